/** Who is signed in, in this tab. */
import { browserStorage, makeStore, tabStorage } from "../store.ts";
import type { Me, Session, SignedInSession } from "./types.ts";
import { Problem, send } from "./wire.ts";

/* The access token lives in memory alone: it opens everything for its ten minutes, and what is in no storage cannot be
   read out of it. The refresh token is in sessionStorage, because paying leaves this page for the payment company's and
   comes back to a fresh one, and the buyer must then still be signed in. Unlike localStorage it ends with the tab, and
   is not shared: two tabs that refreshed with the same token would look like theft to the server, which would end the
   session. A script injected here could read it; the Content-Security-Policy allows none but our own file. */
const REFRESH_TOKEN = "stagedoor.refresh";
/* Says that somebody has signed in here before, and opens nothing: others' failed sign-ins then slow nobody down here. */
const DEVICE_TOKEN = "stagedoor.device";

export interface SignedIn {
  state: "unknown" | "out" | "in";
  me: Me | null;
}

export const session = makeStore<SignedIn>({ state: "unknown", me: null });

let access: string | null = null;
let refreshing: Promise<boolean> | null = null;
const endings = new Set<() => void>();

/** Lets another part forget what belongs to a person when the session ends. */
export function atSessionEnd(forget: () => void): void {
  endings.add(forget);
}

export function accessToken(): string | null {
  return access;
}

function keep(tokens: Session): void {
  access = tokens.access_token;
  tabStorage.write(REFRESH_TOKEN, tokens.refresh_token);
}

function forget(): void {
  access = null;
  tabStorage.write(REFRESH_TOKEN, null);
  session.set({ state: "out", me: null });
}

async function loadMe(): Promise<void> {
  const answer = await send("GET", "/v1/people/me", { Authorization: `Bearer ${access}` });
  session.set({ state: "in", me: (await answer.json()) as Me });
}

/** New tokens for the refresh token; false when the session is over. Those who ask at once share one request. */
export function refresh(): Promise<boolean> {
  refreshing ??= renew().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function renew(): Promise<boolean> {
  const token = tabStorage.read<string>(REFRESH_TOKEN);
  if (token === null) {
    forget();
    return false;
  }
  try {
    keep((await (await send("POST", "/v1/sessions/refresh", {}, { refresh_token: token })).json()) as Session);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.leavesItOpen) throw thrown;
    forget();
    return false;
  }
}

/** Takes up the session of this tab, if there is one. */
export async function resume(): Promise<void> {
  try {
    if (await refresh()) await loadMe();
  } catch {
    // Without a connection nobody knows; the pages that need a sign-in will ask again.
    session.set({ state: "out", me: null });
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  const device = browserStorage.read<string>(DEVICE_TOKEN);
  const body = { email, password, ...(device === null ? {} : { device_token: device }) };
  const signedIn = (await (await send("POST", "/v1/sessions", {}, body)).json()) as SignedInSession;
  browserStorage.write(DEVICE_TOKEN, signedIn.device_token);
  keep(signedIn);
  await loadMe();
}

/** Ends the session here, and on the server if it can be reached. */
export async function signOut(): Promise<void> {
  const token = access;
  for (const end of endings) end();
  forget();
  if (token !== null) {
    await send("DELETE", "/v1/sessions/current", { Authorization: `Bearer ${token}` }).catch(() => undefined);
  }
}
