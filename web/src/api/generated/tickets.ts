/** What tickets answers, written from docs/api/tickets.json by `make api`. Not to be changed by hand. */

/** One recorded entry or exit: the place and the kind of ticket, never whose it is. */
export interface AdmissionView {
  admission_id: string;
  ticket_id: string;
  event_id: string;
  gate_id: string;
  direction: "in" | "out";
  admitted_at: string;
  place_label: string;
  ticket_type_name: string;
  passages: number;
}

/** A gate. */
export interface GateView {
  gate_id: string;
  event_id: string;
  name: string;
  created_at: string;
}

/** `ready`, or `degraded` with the checks that do not hold. */
export interface HealthView {
  service: string;
  status: string;
  checks: Record<string, string>;
}

/** An amount of one currency in its minor units (cents), negative where it is owed back. */
export interface Money {
  amount: number;
  currency: string;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewAdmissionView {
  items: AdmissionView[];
  next: string | null;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewGateView {
  items: GateView[];
  next: string | null;
}

/** A public key (RFC 8037) that codes are verified with. */
export interface TicketKey {
  kty: string;
  crv: string;
  use: string;
  alg: string;
  kid: string;
  x: string;
}

/** A JWK set: all that a gate needs to verify codes offline. The first key signs at present. */
export interface TicketKeys {
  keys: TicketKey[];
}

/** A ticket as its buyer and the organiser's staff see it. The code is shown to the buyer alone. */
export interface TicketView {
  ticket_id: string;
  order_id: string;
  event_id: string;
  organiser_id: string;
  state: "issued" | "revoked";
  place_label: string;
  section: string | null;
  row: string | null;
  seat: string | null;
  ticket_type_name: string;
  price: Money;
  is_inside: boolean;
  passages: number;
  last_passed_at: string | null;
  code: string | null;
}

/** The tickets of one order; they come on one page. */
export interface Tickets {
  items: TicketView[];
  next: string | null;
}
