/** What reservations answers, written from docs/api/reservations.json by `make api`. Not to be changed by hand. */

/** What is left of an event, begun within the second it was asked for in. */
export interface Availability {
  event_id: string;
  version: number;
  pools: PoolAvailability[];
  ticket_types: TicketTypeAvailability[];
  waiting_room: WaitingRoomNotice | null;
}

/** A person's entries at an event: one for each ticket type at most, so they come on one page. */
export interface Entries {
  items: EntryView[];
  next: string | null;
}

/** An entry of a waiting list. Where places are offered, with the hold that keeps them and its token. */
export interface EntryView {
  entry_id: string;
  event_id: string;
  ticket_type_id: string;
  quantity: number;
  state: "ended" | "left" | "offered" | "taken" | "unanswered" | "waiting";
  joined_at: string;
  expires_at: string | null;
  places: PlaceSold[];
  total: Money | null;
  hold_id: string | null;
  hold_token: string | null;
}

/** `ready`, or `degraded` with the checks that do not hold. */
export interface HealthView {
  service: string;
  status: string;
  checks: Record<string, string>;
}

/** A hold, with the token that every further step needs. `state` is as of now; `extended` if it was prolonged. */
export interface HoldView {
  hold_id: string;
  event_id: string;
  state: "confirmed" | "expired" | "held" | "released";
  expires_at: string;
  places: PlaceSold[];
  total: Money;
  hold_token: string;
  extended: boolean;
}

/** Counted in the last minute (to five seconds): Passes, holds and their places, places bought, refusals by load. */
export interface LastMinute {
  passes: number;
  holds: number;
  places_held: number;
  places_bought: number;
  refused: number;
}

/** An amount of one currency in its minor units (cents), negative where it is owed back. */
export interface Money {
  amount: number;
  currency: string;
}

/** A person's number: `number` is signed, and what a Pass is asked for with. */
export interface NumberView {
  event_id: string;
  number: string;
  serial: number;
  phase: "after" | "before";
  rank: number | null;
  issued_at: string;
}

/** A Pass, for the header Pass of POST /v1/holds. */
export interface PassView {
  event_id: string;
  pass: string;
  expires_at: string;
}

/** One numbered place of a pool's block, with the ticket type and price it was held at. */
export interface PlaceSold {
  pool_id: string;
  block: number;
  slot: number;
  ticket_type_id: string;
  ticket_type_name: string;
  price: Money;
  section: string | null;
  row: string | null;
  seat: string | null;
  quotas: QuotaSlot[];
}

/** What is left of a pool; what its organiser withholds is neither free nor held, and a closed one sells nothing. */
export interface PoolAvailability {
  pool_id: string;
  kind: "general" | "seated";
  capacity: number;
  free: number;
  held: number;
  withheld: number;
  closed: boolean;
  sampled: boolean;
  sections: SectionAvailability[];
}

/** A pool as it is now. The sum of `sold`, `held`, `withheld` and `free` is its `capacity`. */
export interface PoolView {
  pool_id: string;
  event_id: string;
  kind: "general" | "seated";
  capacity: number;
  capacity_wanted: number | null;
  complete: boolean;
  sold: number;
  held: number;
  withheld: number;
  free: number;
  sampled: boolean;
  closed: boolean;
  version: number;
}

/** The pools of an event. */
export interface PoolsView {
  items: PoolView[];
}

/** One use of a limit that a place takes up: a slot of a quota's block, kept, sold and freed like a place. */
export type QuotaSlot = [string, number, number, number];

/** Neighbouring seats of a row. */
export interface SeatsView {
  section: string;
  row: string;
  first: number;
  last: number;
}

/** A section's seats: `rows` are [row, first, last, zone], and `free_bits` has one bit for each of their seats. */
export interface SectionAvailability {
  section: string;
  free: number;
  rows: [string, number, number, string][];
  free_bits: string;
  accessible_bits?: string;
  companion_bits?: string;
}

/** What is left for a ticket type: `free` now, `held` in baskets; types that draw on the same share their places. */
export interface TicketTypeAvailability {
  ticket_type_id: string;
  pool_id: string;
  zone: string | null;
  free: number;
  held: number;
  accessible_free: number;
}

/** A waiting room as its organiser sees it: how it is set, who waits, and why it goes as fast as it does. */
export interface WaitingRoomControl {
  settings: WaitingRoomSettings;
  state: "before" | "closed" | "open" | "paused" | "sold_out";
  reason: string | null;
  seed: string | null;
  drawn: number | null;
  waiting: number;
  served: number;
  rate: number;
  why: "before" | "demand" | "ended" | "maximum" | "nobody_waits" | "paused" | "rising" | "shop" | "sold_out";
  explanation: string;
  show_up: number;
  passes_outstanding: number;
  places_free: number | null;
  places_held: number | null;
  last_minute: LastMinute;
  updated_at: string;
}

/** That holds of the event need a Pass, from its waiting room. */
export interface WaitingRoomNotice {
  opens_at: string;
}

/** A waiting room as it is set. */
export interface WaitingRoomSettings {
  event_id: string;
  version: number;
  opens_at: string;
  passes_per_second_max: number;
  pass_seconds: number;
  paused: boolean;
  ended: boolean;
  notice: string | null;
}

/** The room as everybody sees it. A number is served when its rank is below `serving`. */
export interface WaitingRoomStatus {
  event_id: string;
  state: "before" | "closed" | "open" | "paused" | "sold_out";
  reason: "ended" | "store-away" | null;
  opens_at: string;
  seed: string | null;
  drawn: number | null;
  serving: number;
  passes_per_second: number;
  notice: string | null;
  updated_at: string;
}

/** What is kept off sale, and what for. */
export interface WithholdingView {
  withholding_id: string;
  event_id: string;
  pool_id: string;
  name: string;
  places: number;
  seats: SeatsView[];
  missed: number;
  missed_seats: SeatsView[];
  complete: boolean;
  version: number;
  created_at: string;
}

/** What is withheld of an event. */
export interface WithholdingsView {
  items: WithholdingView[];
}
