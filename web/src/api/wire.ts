/** One request and its answer; knows neither who is signed in nor what is asked. */

interface ProblemDocument {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  field?: string;
  [extra: string]: unknown;
}

/** A refusal as the API words it (RFC 9457). Status 0 stands for a network that gave no answer at all. */
export class Problem extends Error {
  readonly status: number;
  readonly slug: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly field: string | undefined;
  readonly document: ProblemDocument;

  constructor(status: number, document: ProblemDocument) {
    const title = document.title ?? `The answer was ${status}`;
    super(document.detail ? `${title}: ${document.detail}` : title);
    this.status = status;
    this.slug = (document.type ?? "").split(":").pop() ?? "";
    this.title = title;
    this.detail = document.detail;
    this.field = document.field;
    this.document = document;
  }

  /** Whether it is unknown if the request had its effect: only then is the same key sent again. */
  get leavesItOpen(): boolean {
    return this.status === 0 || this.status >= 500 || this.slug === "idempotency-key-in-flight";
  }
}

/** Whatever was thrown, as something that can be shown. A fault of the pages themselves is for the console, too. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  console.error(thrown);
  return new Problem(0, { title: "Something went wrong on this page", detail: "Loading it again may help." });
}

let clockAheadMs = 0;

/** The server's time: a phone's clock may be minutes off, and holds run out by the server's. */
export function serverNow(): number {
  return Date.now() - clockAheadMs;
}

/** Sends one request. Throws Problem for every answer that is not 2xx, and for none. */
export async function send(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
  const init: RequestInit = { method, headers: { ...headers } };
  if (body !== undefined) {
    init.headers = { ...headers, "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Problem(0, { title: "No connection", detail: "Nothing came back. Check the network and try again." });
  }
  const date = method === "GET" ? null : answer.headers.get("Date");
  // Answers to reads may come from a cache with the date of long ago, so only writes set the clock; Date has seconds.
  if (date !== null) {
    const ahead = Date.now() - Date.parse(date);
    clockAheadMs = Math.abs(ahead) > 3000 ? ahead : 0;
  }
  if (answer.ok) return answer;
  let document: ProblemDocument = {};
  try {
    document = (await answer.json()) as ProblemDocument;
  } catch {
    // Not the API's own words, but those of something in between; the status is all there is to tell.
  }
  throw new Problem(answer.status, document);
}
