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
}

export interface Work {
  title: string;
  composer?: string | null;
  conductor?: string | null;
  soloists?: string[];
}

export interface Event extends EventSummary {
  doors_at: string | null;
  description: string | null;
  hold_seconds: number;
  places_per_order_max: number;
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
}

export interface Availability {
  event_id: string;
  pools: {
    pool_id: string;
    kind: "general" | "seated";
    capacity: number;
    free: number;
    held: number;
    sections: SectionAvailability[];
  }[];
  ticket_types: { ticket_type_id: string; free: number; held: number }[];
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

export interface Hold {
  hold_id: string;
  event_id: string;
  state: "held" | "confirmed" | "expired" | "released";
  expires_at: string;
  places: PlaceSold[];
  total: Money;
  hold_token: string;
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
