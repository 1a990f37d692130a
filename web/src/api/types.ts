/** What the API answers, as far as the pages read it. */

export interface Money {
  amount: number;
  currency: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface EventSummary {
  event_id: string;
  organiser_id: string;
  organiser_name: string | null;
  name: string;
  state: "draft" | "published" | (string & {});
  starts_at: string;
  time_zone: string;
  venue: { venue_id: string; name: string; city: string };
  series_name: string | null;
  price_from: Money | null;
}

export interface TicketType {
  ticket_type_id: string;
  name: string;
  price: Money;
  pool_id: string;
  zone?: string | null;
  sale_starts_at?: string | null;
  sale_ends_at?: string | null;
  places_per_order_max?: number | null;
  access?: "public" | "voucher" | "complimentary";
}

export interface Work {
  title: string;
  composer?: string | null;
  conductor?: string | null;
  soloists?: string[];
}

export interface NamedPool {
  pool_id: string;
  name: string;
}

export interface Event extends EventSummary {
  doors_at: string | null;
  description: string | null;
  hold_seconds: number;
  places_per_order_max: number;
  pools: NamedPool[];
  ticket_types: TicketType[];
  programme: Work[];
}

/** A run of seats: row, first seat, last seat, price zone. */
export type Run = [string, number, number, string];

export interface SectionAvailability {
  section: string;
  free: number;
  rows: Run[];
  free_bits: string;
  accessible_bits?: string;
  companion_bits?: string;
}

export interface Availability {
  event_id: string;
  pools: {
    pool_id: string;
    kind: "general" | "seated";
    capacity: number;
    free: number;
    held: number;
    closed?: boolean;
    sections: SectionAvailability[];
  }[];
  ticket_types: { ticket_type_id: string; free: number; held: number; accessible_free?: number }[];
  /** When an event has a waiting room: holds then need its Pass. */
  waiting_room?: { opens_at: string } | null;
}

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
}

/** What everybody is told who waits for an on-sale. A number is served when its rank is below `serving`. */
export interface WaitingRoomStatus {
  event_id: string;
  state: "before" | "open" | "paused" | "closed" | "sold_out";
  reason: "store-away" | "ended" | null;
  opens_at: string;
  seed: string | null;
  drawn: number | null;
  serving: number;
  passes_per_second: number;
  notice: string | null;
}

export interface WaitingNumber {
  event_id: string;
  number: string;
  serial: number;
  phase: "before" | "after";
  rank: number | null;
}

export interface Pass {
  event_id: string;
  pass: string;
  expires_at: string;
}

export interface WaitingRoomSettings {
  version: number;
  opens_at: string;
  passes_per_second_max: number;
  pass_seconds: number;
  paused: boolean;
  ended: boolean;
  notice: string | null;
}

/** A waiting room as its organiser sees it. */
export interface WaitingRoomControl {
  settings: WaitingRoomSettings;
  state: WaitingRoomStatus["state"];
  reason: string | null;
  waiting: number;
  served: number;
  rate: number;
  explanation: string;
  passes_outstanding: number;
  places_free: number | null;
  places_held: number | null;
  last_minute: { passes: number; holds: number; places_held: number; places_bought: number; refused: number };
  updated_at: string;
}

export interface Pool {
  pool_id: string;
  kind: "general" | "seated";
  capacity: number;
  capacity_wanted: number | null;
  complete: boolean;
  sold: number;
  held: number;
  withheld: number;
  free: number;
  closed: boolean;
  version: number;
}

export interface Withholding {
  withholding_id: string;
  pool_id: string;
  name: string;
  places: number;
  missed: number;
  seats: { section: string; row: string; first: number; last: number }[];
}

export interface Voucher {
  voucher_id: string;
  code: string;
  uses_max: number;
  ticket_type_ids: string[];
  percent_off: number;
  price: Money | null;
  revoked: boolean;
}

export interface WaitingListEntry {
  entry_id: string;
  ticket_type_id: string;
  quantity: number;
  state: "waiting" | "offered" | "taken" | "unanswered" | "left" | "ended";
  joined_at: string;
  expires_at: string | null;
  places: PlaceSold[];
  total: Money | null;
  hold_id: string | null;
  hold_token: string | null;
}

export interface Hold {
  hold_id: string;
  event_id: string;
  state: "held" | "confirmed" | "expired" | "released";
  expires_at: string;
  places: PlaceSold[];
  total: Money;
  hold_token: string;
  extended: boolean;
}

export type OrderState =
  | "pending"
  | "expired"
  | "paid"
  | "confirmed"
  | "cancelled"
  | "refunding"
  | "refunded"
  | "partially_refunded";

export interface Order {
  order_id: string;
  state: OrderState;
  event_id: string;
  organiser_id: string;
  places: PlaceSold[];
  total: Money;
  created_at: string;
  expires_at: string;
  buyer: { person_id: string; name: string; email: string };
  payment_id: string | null;
  refund_reason: string | null;
  refunded_at: string | null;
}

export interface OrderPlaced extends Order {
  order_token: string;
}

export interface Payment {
  payment_id: string;
  state: string;
  checkout_url: string | null;
}

export interface Ticket {
  ticket_id: string;
  order_id: string;
  state: "issued" | "revoked";
  place_label: string;
  ticket_type_name: string;
  price: Money;
  is_inside: boolean;
  code: string | null;
}

export interface Session {
  access_token: string;
  refresh_token: string;
}

export interface SignedInSession extends Session {
  device_token: string;
}

export interface Membership {
  organiser_id: string;
  organiser_name: string;
  role: string;
}

export interface Me {
  person_id: string;
  email: string;
  name: string;
  memberships: Membership[];
}

export interface Amounts {
  sold: number;
  revenue: Money;
  tickets_refunded: number;
  refunded: Money;
  net: Money;
}

export interface EventSales extends Amounts {
  event_id: string;
  name: string | null;
  starts_at: string | null;
  time_zone: string | null;
  admitted: number;
  inside: number;
  capacity: number | null;
  other_currencies: Amounts[];
}

export interface Sales {
  organiser_id: string;
  items: EventSales[];
  totals: Amounts[];
}

export interface Gate {
  gate_id: string;
  event_id: string;
  name: string;
}

export interface Admission {
  admission_id: string;
  direction: "in" | "out";
  admitted_at: string;
  place_label: string;
  ticket_type_name: string;
}
