/** People of the tests, each with a connection of their own. */
import { randomUUID } from "node:crypto";

import { type Client, answered, connect, signIn, signUp } from "../src/index.ts";

export const address = process.env["STAGEDOOR_URL"] ?? "http://127.0.0.1:8000";

export interface Person {
  client: Client;
  email: string;
  /** Signs in anew: a token knows the roles of the moment it was made. */
  renew(): Promise<void>;
}

export async function person(name: string): Promise<Person> {
  const password = randomUUID();
  const email = `${name.toLowerCase().replaceAll(" ", ".")}.${randomUUID()}@example.com`;
  let token: string | undefined;
  const client = connect(address, () => token);
  const renew = async (): Promise<void> => {
    token = (await answered(signIn({ client, body: { email, password } }))).access_token;
  };
  await answered(signUp({ client, body: { name, email, password } }));
  await renew();
  return { client, email, renew };
}

/** Looks again until there is something to return. Throws at the deadline. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not happen in a minute`);
}
