/** The basket: one hold, kept for this tab, until it is paid, let go or run out. */
import { get, write } from "./api/http.ts";
import { atSessionEnd } from "./api/session.ts";
import type { Event, Hold, Order, OrderPlaced, Payment } from "./api/types.ts";
import { Problem, serverNow } from "./api/wire.ts";
import { makeStore, tabStorage } from "./store.ts";
import { dropPass, passFor } from "./waiting-room.ts";

const BASKET = "stagedoor.basket";

export interface Basket {
  hold: Hold;
  event: Pick<Event, "event_id" | "name" | "starts_at" | "time_zone" | "venue">;
  /** Set once it is ordered. The hold's token stays of use: sent again, it gives the same order and a way to pay. */
  orderId: string | null;
}

export const basket = makeStore<Basket | null>(tabStorage.read<Basket>(BASKET));

export function setBasket(value: Basket | null): void {
  tabStorage.write(BASKET, value);
  basket.set(value);
}

atSessionEnd(() => setBasket(null));

export function millisecondsLeft(held: Basket): number {
  return Date.parse(held.hold.expires_at) - serverNow();
}

/** Holds places; the basket then has them. What it had before is given up for them in the same step, or kept. */
export async function hold(event: Event, lines: object[], voucher: string): Promise<void> {
  const pass = passFor(event.event_id);
  const headers: Record<string, string> = pass === null ? {} : { Pass: pass.pass };
  const before = basket.get();
  if (before !== null && replaceable(before, event)) headers["Replaces"] = before.hold.hold_token;
  const asked = { event_id: event.event_id, lines, ...(voucher === "" ? {} : { voucher }) };
  let held: Hold;
  try {
    held = await write<Hold>("POST", "/v1/holds", asked, headers);
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.slug === "pass-required") dropPass(event.event_id);
    throw thrown;
  }
  const { event_id, name, starts_at, time_zone, venue } = event;
  setBasket({ hold: held, event: { event_id, name, starts_at, time_zone, venue }, orderId: null });
}

/** Whether what is held can be changed into another basket: of the same event, in time, and not ordered yet. */
export function replaceable(held: Basket, event: Pick<Event, "event_id">): boolean {
  return held.orderId === null && held.event.event_id === event.event_id && millisecondsLeft(held) > 0;
}

/** Keeps what is held for as long again, which can be done once. */
export async function extend(held: Basket): Promise<void> {
  const headers = { "Hold-Token": held.hold.hold_token };
  const extended = await write<Hold>("POST", `/v1/holds/${held.hold.hold_id}/extension`, undefined, headers);
  setBasket({ ...held, hold: extended });
}

/** Gives an order up that is not paid; its places go back to sale. */
export function giveUp(orderId: string): Promise<Order> {
  return write<Order>("POST", `/v1/orders/${orderId}/cancellation`);
}

/** Gives the places back to sale, with the order if there is one already. */
export async function release(held: Basket): Promise<void> {
  try {
    if (held.orderId !== null) await giveUp(held.orderId);
    else await write<undefined>("DELETE", `/v1/holds/${held.hold.hold_id}`, undefined, { "Hold-Token": held.hold.hold_token });
  } catch (thrown) {
    // A hold that nobody knows any more has run out: the places are back already.
    if (!(thrown instanceof Problem) || thrown.status !== 404) throw thrown;
  }
  setBasket(null);
}

/** Orders what is held and answers the address of the payment company's page. */
export async function orderAndOpenCheckout(held: Basket): Promise<string> {
  const order = await write<OrderPlaced>("POST", "/v1/orders", { hold_token: held.hold.hold_token });
  setBasket({ ...held, orderId: order.order_id });
  // What costs nothing is paid for as it is ordered.
  if (order.total.amount === 0) return `/orders/${order.order_id}`;
  const payment = await write<Payment>("POST", "/v1/payments", { order_token: order.order_token });
  if (payment.checkout_url === null) {
    throw new Problem(409, { title: "There is nothing left to pay", detail: "See the order for how it stands." });
  }
  return payment.checkout_url;
}

export function order(orderId: string): Promise<Order> {
  return get<Order>(`/v1/orders/${encodeURIComponent(orderId)}`);
}
