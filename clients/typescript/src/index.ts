/** Stagedoor's API: a function for each operation, typed as the released document says. */
import { type Client, createClient } from "./generated/client/index.ts";

export * from "./generated/index.ts";
export type { Client };

/** Where requests go. The token is asked for before each request that needs one, and none is sent when there is none. */
export function connect(address: string, accessToken: () => string | undefined = () => undefined): Client {
  return createClient({ baseUrl: address, auth: accessToken });
}

/** A request that was refused: `problem` says why, and is decided by its `type`. */
export class Refused<Problem> extends Error {
  readonly problem: Problem;
  readonly response: Response;

  constructor(problem: Problem, response: Response) {
    super(`${response.status} of ${response.url}: ${JSON.stringify(problem)}`);
    this.problem = problem;
    this.response = response;
  }
}

interface Outcome<Data, Problem> {
  data: Data;
  error: Problem;
  response?: Response;
}

/** What was answered. Throws Refused for a problem, and the failure itself where no answer came. */
export async function answered<Data, Problem>(asked: Promise<Outcome<Data, Problem>>): Promise<Exclude<Data, undefined>> {
  const { data, error, response } = await asked;
  if (response === undefined) throw error;
  if (!response.ok) throw new Refused(error, response);
  return data as Exclude<Data, undefined>;
}
