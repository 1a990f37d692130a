/** The waiting room of an event: one's number, what everybody is told, and the Pass that lets one hold places. */
import { getPublic, write } from "./api/http.ts";
import { atSessionEnd } from "./api/session.ts";
import type { Pass, WaitingNumber, WaitingRoomStatus } from "./api/types.ts";
import { serverNow } from "./api/wire.ts";
import { rankOfNumber } from "./rank.ts";
import { makeStore, tabStorage } from "./store.ts";

const NUMBERS = "stagedoor.numbers";
const PASSES = "stagedoor.passes";

type ByEvent<T> = Record<string, T>;

/* The account keeps the number: asked for again, from any device, it is the same. What this tab remembers only spares
   the asking after a reload. */
export const numbers = makeStore<ByEvent<WaitingNumber>>(tabStorage.read(NUMBERS) ?? {});
export const passes = makeStore<ByEvent<Pass>>(tabStorage.read(PASSES) ?? {});

function keep<T>(store: typeof numbers | typeof passes, key: string, value: ByEvent<T>): void {
  tabStorage.write(key, value);
  (store as ReturnType<typeof makeStore<ByEvent<T>>>).set(value);
}

atSessionEnd(() => {
  keep(numbers, NUMBERS, {});
  keep(passes, PASSES, {});
});

function roomPath(eventId: string): string {
  return `/v1/waiting-rooms/${encodeURIComponent(eventId)}`;
}

export function roomStatus(eventId: string): Promise<WaitingRoomStatus> {
  return getPublic<WaitingRoomStatus>(`${roomPath(eventId)}/status`);
}

export async function takeNumber(eventId: string): Promise<void> {
  const number = await write<WaitingNumber>("POST", `${roomPath(eventId)}/numbers`, {});
  keep(numbers, NUMBERS, { ...numbers.get(), [eventId]: number });
}

export async function takePass(eventId: string, number: WaitingNumber): Promise<void> {
  const pass = await write<Pass>("POST", `${roomPath(eventId)}/passes`, { number: number.number });
  keep(passes, PASSES, { ...passes.get(), [eventId]: pass });
}

/** Forgets a Pass that the box office did not take. */
export function dropPass(eventId: string): void {
  const { [eventId]: _gone, ...rest } = passes.get();
  keep(passes, PASSES, rest);
}

/** The Pass for an event while it is good, else null. */
export function passFor(eventId: string): Pass | null {
  const pass = passes.get()[eventId];
  return pass !== undefined && Date.parse(pass.expires_at) > serverNow() ? pass : null;
}

/** How many are served before this number: known at once after the opening, and from the drawn seed before it. */
export async function rankIn(status: WaitingRoomStatus, number: WaitingNumber): Promise<number | null> {
  if (number.rank !== null) return number.rank;
  // Without encryption a browser hashes nothing: the box office then tells the rank with the number.
  if (window.isSecureContext) return rankOfNumber(number, status);
  if (status.seed === null) return null;
  await takeNumber(status.event_id);
  return numbers.get()[status.event_id]?.rank ?? null;
}

/** Milliseconds until the next look: seldom long before the opening, and never all at the same moment. */
export function nextLook(status: WaitingRoomStatus, ahead: number | null, now: number, chance: number): number {
  if (status.state === "before") {
    const opens = Date.parse(status.opens_at) - now;
    if (opens > 90_000) return 20_000 + chance * 20_000;
    return Math.max(1000, Math.min(10_000, opens)) + chance * 2000;
  }
  // What is over for good, or sold out, changes seldom or never.
  if (status.reason === "ended" || status.state === "sold_out") return 60_000 + chance * 30_000;
  if (status.state === "closed" || status.state === "paused") return 5000 + chance * 5000;
  const seconds = ahead === null || status.passes_per_second <= 0 ? 60 : ahead / status.passes_per_second;
  return Math.min(15_000, Math.max(1500, seconds * 100)) + chance * 1500;
}

/** `about 4 minutes`, of people before one and how many are served a second; null when nobody can tell. */
export function waitText(ahead: number, perSecond: number): string | null {
  if (perSecond <= 0) return null;
  const minutes = ahead / perSecond / 60;
  if (minutes < 1) return "less than a minute";
  if (minutes < 90) return `about ${Math.round(minutes)} minute${Math.round(minutes) === 1 ? "" : "s"}`;
  return `about ${Math.round(minutes / 60)} hours`;
}
