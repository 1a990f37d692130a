/** What orders answers, written from docs/api/orders.json by `make api`. Not to be changed by hand. */

/** Who ordered. */
export interface BuyerView {
  person_id: string;
  name: string;
  email: string;
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

/** A new order, with the token that `POST /v1/payments` opens its checkout with. */
export interface OrderPlaced {
  order_id: string;
  state: OrderState;
  hold_id: string;
  event_id: string;
  organiser_id: string;
  places: PlaceSold[];
  total: Money;
  created_at: string;
  expires_at: string;
  buyer: BuyerView;
  payment_id: string | null;
  refund_reason: string | null;
  paid_at: string | null;
  confirmed_at: string | null;
  cancelled_at: string | null;
  refunded_at: string | null;
  order_token: string;
}

/** Where an order stands. `expired` is never stored: it is what a pending order past its time looks like. */
export type OrderState = "cancelled" | "confirmed" | "expired" | "paid" | "pending" | "refunded" | "refunding";

/** An order as its reader sees it. `expired` is the state of a pending one whose time to pay is over. */
export interface OrderView {
  order_id: string;
  state: OrderState;
  hold_id: string;
  event_id: string;
  organiser_id: string;
  places: PlaceSold[];
  total: Money;
  created_at: string;
  expires_at: string;
  buyer: BuyerView;
  payment_id: string | null;
  refund_reason: string | null;
  paid_at: string | null;
  confirmed_at: string | null;
  cancelled_at: string | null;
  refunded_at: string | null;
}

/** One page of a list; `next` is the cursor of the next one, None on the last. */
export interface PageViewOrderView {
  items: OrderView[];
  next: string | null;
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

/** One use of a limit that a place takes up: a slot of a quota's block, kept, sold and freed like a place. */
export type QuotaSlot = [string, number, number, number];
