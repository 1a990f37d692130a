/** A sale as another program drives it, with nothing but the generated client. STAGEDOOR_URL names a running Stagedoor. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";

import {
  type EventView,
  type HoldView,
  Refused,
  addGate,
  addMember,
  addVenue,
  admit,
  answered,
  listTickets,
  openCheckout,
  placeHold,
  placeOrder,
  planEvent,
  publishEvent,
  registerOrganiser,
  showAvailability,
  showEvent,
  showOrder,
} from "../src/index.ts";
import { type Person, eventually, person } from "./person.ts";

const PLACES = 4;
let owner: Person;
let scanner: Person;
let onSale: EventView;

before(async () => {
  owner = await person("Olive Owner");
  scanner = await person("Sam Scanner");
  const { client } = owner;
  const { organiser_id } = await answered(registerOrganiser({ client, body: { name: "Typed Concerts" } }));
  await owner.renew();
  await answered(addMember({ client, path: { organiser_id }, body: { email: scanner.email, role: "scanner" } }));
  await scanner.renew();
  const hall = { organiser_id, name: "Typed Hall", city: "New York", time_zone: "America/New_York" };
  const { venue_id } = await answered(addVenue({ client, body: hall }));
  const plan = {
    organiser_id,
    venue_id,
    name: "An Evening of Types",
    starts_at: new Date(Date.now() + 30 * 86_400_000).toISOString(),
    currency: "USD",
    pools: [{ name: "Floor", kind: "general" as const, capacity: PLACES }],
    ticket_types: [{ name: "Standing", pool: "Floor", price: { amount: 4500, currency: "USD" } }],
  };
  const { event_id } = await answered(planEvent({ client, body: plan }));
  onSale = await eventually("catalog's hearing of the organiser", async () => {
    const { data, response } = await publishEvent({ client, path: { event_id } });
    return response?.ok ? data : undefined;
  });
  await eventually("the beginning of the sale", async () => {
    const { response } = await showAvailability({ client, path: { event_id } });
    return response?.status === 200 || undefined;
  });
});

async function hold(buyer: Person, quantity: number): Promise<HoldView> {
  const [standing] = onSale.ticket_types;
  assert.ok(standing);
  const lines = [{ ticket_type_id: standing.ticket_type_id, quantity }];
  return answered(placeHold({ client: buyer.client, body: { event_id: onSale.event_id, lines } }));
}

test("a sale goes from the hold to the door, and an order sent again is the same order", async () => {
  const buyer = await person("Bea Buyer");
  const { client } = buyer;
  const { hold_token } = await hold(buyer, 2);

  const ordering = { client, headers: { "Idempotency-Key": randomUUID() }, body: { hold_token } };
  const order = await answered(placeOrder(ordering));
  assert.deepEqual(order.total, { amount: 9000, currency: "USD" });
  assert.equal((await answered(placeOrder(ordering))).order_id, order.order_id);

  const opening = { client, headers: { "Idempotency-Key": randomUUID() }, body: { order_token: order.order_token } };
  const payment = await answered(openCheckout(opening));
  assert.equal((await answered(openCheckout(opening))).payment_id, payment.payment_id);
  const card = new URLSearchParams({ card: "4242424242424242" });
  const paid = await fetch(`${payment.checkout_url}/pay`, { method: "POST", body: card, redirect: "manual" });
  assert.equal(paid.status, 303);

  const { order_id } = order;
  await eventually("the order's confirmation", async () => {
    const seen = await answered(showOrder({ client, path: { order_id } }));
    return seen.state === "confirmed" || undefined;
  });
  const tickets = await eventually("the tickets' issue", async () => {
    const { items } = await answered(listTickets({ client, query: { order_id } }));
    return items.length === 2 ? items : undefined;
  });

  const gate = { event_id: onSale.event_id, name: "Main door" };
  const { gate_id } = await eventually("the tickets' hearing of the event", async () => {
    const { data, response } = await addGate({ client: owner.client, body: gate });
    return response?.ok ? data : undefined;
  });
  for (const { code } of tickets) {
    assert.ok(code, "a ticket that is good has a code");
    await answered(admit({ client: scanner.client, body: { code, gate_id, direction: "in" } }));
  }
  const [first] = tickets;
  assert.ok(first?.code);
  const again = await admit({ client: scanner.client, body: { code: first.code, gate_id, direction: "in" } });
  assert.equal(again.response?.status, 409);
});

test("an answer that is kept under an Idempotency-Key says that it is a repetition", async () => {
  const { client } = await person("Fay Founder");
  const registering = { client, headers: { "Idempotency-Key": randomUUID() }, body: { name: "Twice Concerts" } };
  const first = await registerOrganiser(registering);
  const second = await registerOrganiser(registering);
  assert.equal(second.response?.headers.get("Idempotency-Replayed"), "true");
  assert.equal(first.response?.headers.get("Idempotency-Replayed"), null);
  assert.deepEqual(second.data, first.data);
});

test("a refusal has a type that this very operation can give", async () => {
  const { client } = await person("Greta Greedy");
  const [standing] = onSale.ticket_types;
  assert.ok(standing);
  const lines = [{ ticket_type_id: standing.ticket_type_id, quantity: PLACES + 1 }];
  const { error } = await placeHold({ client, body: { event_id: onSale.event_id, lines } });
  assert.ok(error);
  assert.ok(error.status === 409);
  // The compiler knows which types a 409 of this operation has, and refuses any other here.
  assert.ok(error.type === "urn:stagedoor:problem:too-few-left", error.type);
  assert.ok(error.trace_id);
});

test("a refusal that is thrown brings the problem and what the answer was", async () => {
  const { client } = await person("Lou Lost");
  await assert.rejects(answered(showEvent({ client, path: { event_id: "evt_nobodys" } })), (thrown) => {
    assert.ok(thrown instanceof Refused);
    assert.equal(thrown.problem.type, "urn:stagedoor:problem:not-found");
    return thrown.response.status === 404;
  });
});

test("a request that reaches nobody throws the failure, not a refusal", async () => {
  const { connect } = await import("../src/index.ts");
  const nowhere = connect("http://127.0.0.1:9");
  const asked = answered(showEvent({ client: nowhere, path: { event_id: "evt_any" } }));
  await assert.rejects(asked, (thrown) => !(thrown instanceof Refused));
});
