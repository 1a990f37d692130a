/** Requests in the name of who is signed in. */
import { accessToken, refresh } from "./session.ts";
import { Problem, send } from "./wire.ts";

type Headers = Record<string, string>;

/** Sends with the access token, and once more with a fresh one where the first had run out. */
async function sendSigned(method: string, path: string, headers: Headers, body?: unknown): Promise<Response> {
  if (accessToken() === null) await refresh();
  const signed = (): Headers => {
    const token = accessToken();
    return token === null ? headers : { ...headers, Authorization: `Bearer ${token}` };
  };
  try {
    return await send(method, path, signed(), body);
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.status !== 401 || accessToken() === null) throw thrown;
    if (!(await refresh())) throw thrown;
    return await send(method, path, signed(), body);
  }
}

/** What everybody may see: without a token, so that caches can answer. */
export async function getPublic<T>(path: string): Promise<T> {
  return (await (await send("GET", path, {})).json()) as T;
}

export async function get<T>(path: string, headers: Headers = {}): Promise<T> {
  return (await (await sendSigned("GET", path, headers)).json()) as T;
}

export async function getBlob(path: string, accept: string): Promise<Blob> {
  return (await sendSigned("GET", path, { Accept: accept })).blob();
}

// Keys of writes that were sent and whose outcome is unknown: pressed again, the same write goes out under the same key.
const unanswered = new Map<string, string>();

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Writes once, however often it has to be sent: every write carries an Idempotency-Key. */
export async function write<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown, headers: Headers = {}): Promise<T> {
  const what = `${method} ${path} ${JSON.stringify(body ?? null)}`;
  const key = unanswered.get(what) ?? newKey();
  unanswered.set(what, key);
  try {
    const answer = await sendSigned(method, path, { ...headers, "Idempotency-Key": key }, body);
    const text = await answer.text();
    unanswered.delete(what);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  } catch (thrown) {
    if (thrown instanceof Problem && !thrown.leavesItOpen) unanswered.delete(what);
    throw thrown;
  }
}
