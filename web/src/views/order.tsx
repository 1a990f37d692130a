/** One order: where the buyer comes back to after paying, and where the tickets are. */
import { useEffect } from "preact/hooks";
import { get } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Order, Ticket } from "../api/types.ts";
import { basket, giveUp, millisecondsLeft, order as readOrder, orderAndOpenCheckout, setBasket } from "../basket.ts";
import { shortDayText, timeText } from "../dates.ts";
import { useEvent } from "../event-names.ts";
import { Countdown, useTimeLeft } from "../parts/countdown.tsx";
import { Page, Waiting } from "../parts/page.tsx";
import { Places } from "../parts/places.tsx";
import { usePolling } from "../parts/polling.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { SignInFirst } from "../parts/sign-in-first.tsx";
import { useStore } from "../store.ts";
import { isFinal, STATES } from "./order-states.ts";
import { TicketList } from "./tickets.tsx";

interface Standing {
  order: Order;
  tickets: Ticket[];
}

/** The order, and its tickets once it is confirmed: they follow the confirmation a moment later. */
async function look(orderId: string): Promise<Standing> {
  const order = await readOrder(orderId);
  if (order.state !== "confirmed") return { order, tickets: [] };
  const tickets = await get<{ items: Ticket[] }>(`/v1/tickets?order_id=${encodeURIComponent(orderId)}`);
  return { order, tickets: tickets.items };
}

function isSettled({ order, tickets }: Standing): boolean {
  return isFinal(order.state) && (order.state !== "confirmed" || tickets.length >= order.places.length);
}

/** What the payment company's page said when it sent the buyer back; only words, the order's state decides. */
const CHECKOUT_SAID: Record<string, string> = {
  declined: "The card was declined. Nothing was charged.",
  cancelled: "The payment was broken off. Nothing was charged.",
  expired: "The payment page had run out. Nothing was charged.",
};

function Unpaid({ order, reload }: { order: Order; reload(): void }) {
  const held = useStore(basket);
  // The hold's token opens the checkout again, and only the tab that held the places has it.
  const mine = held?.orderId === order.order_id && millisecondsLeft(held) > 0 ? held : null;
  const left = useTimeLeft(mine);
  const action = useAction();
  return (
    <>
      <ProblemNote problem={action.problem} />
      {mine !== null && (
        <p class="kept">
          Your places are kept for <Countdown left={left} />
        </p>
      )}
      <div class="actions">
        {mine !== null && (
          <button
            type="button"
            class="button"
            disabled={action.busy}
            onClick={() => void action.run(async () => window.location.assign(await orderAndOpenCheckout(mine)))}
          >
            Pay now
          </button>
        )}
        <button
          type="button"
          class="button quiet-button"
          disabled={action.busy}
          onClick={() =>
            void action.run(async () => {
              await giveUp(order.order_id);
              reload();
            })
          }
        >
          Give the order up
        </button>
      </div>
    </>
  );
}

/** How the order stands, in words. */
function State({ order, came }: { order: Order; came: string | undefined }) {
  const { label, tone, sentence } = STATES[order.state];
  const unpaid = order.state === "pending" && came !== undefined;
  return (
    <div class={`state ${unpaid ? "bad" : tone}`} role="status">
      <strong>{label}</strong>
      {order.refund_reason !== null && <p>{order.refund_reason}</p>}
      <p>{unpaid ? came : sentence}</p>
    </div>
  );
}

function OrderPage({ orderId, query }: { orderId: string; query: URLSearchParams }) {
  const { value, problem, reload } = useLoaded(() => look(orderId), [orderId]);
  const event = useEvent(value?.order.event_id ?? null);
  const { me } = useStore(session);
  const wanted = value === null ? problem?.status === 0 || (problem?.status ?? 0) >= 500 : !isSettled(value);
  const polling = usePolling(wanted, reload);
  const state = value?.order.state;
  useEffect(() => {
    const bought = state !== undefined && state !== "pending";
    if (bought && basket.get()?.orderId === orderId) setBasket(null);
  }, [state, orderId]);
  if (value === null) {
    return (
      <Page title="Order" narrow>
        {problem === null ? <Waiting what="Looking how your order stands" /> : <ProblemNote problem={problem} again={reload} />}
      </Page>
    );
  }
  const { order, tickets } = value;
  const isBuyer = me?.person_id === order.buyer.person_id;
  const said = query.get("checkout");
  const came = said === null ? undefined : CHECKOUT_SAID[said];
  return (
    <Page title={event?.name ?? "Your order"} over={<p class="over">Order</p>} narrow>
      {event && (
        <p class="facts">
          <strong>{shortDayText(event.starts_at, event.time_zone)}</strong>, {timeText(event.starts_at, event.time_zone)} ·{" "}
          {event.venue.name}
        </p>
      )}
      <State order={order} came={came} />
      {order.state === "pending" && said !== "paid" && <Unpaid order={order} reload={reload} />}
      {wanted && !polling.gaveUp && order.state !== "expired" && came === undefined && (
        <Waiting what={order.state === "confirmed" ? "Your tickets are being printed" : "Looking again every few seconds"} />
      )}
      {polling.gaveUp && (
        <p class="note">
          It takes longer than usual. You may close this page: nothing is lost.{" "}
          <button type="button" class="plain" onClick={polling.goOn}>
            Look again
          </button>
        </p>
      )}
      {problem !== null && <ProblemNote problem={problem} />}
      {tickets.length > 0 && <TicketList orderId={orderId} tickets={tickets} isBuyer={isBuyer} />}
      <section class="card" aria-labelledby="bought">
        <h2 id="bought">What was ordered</h2>
        <Places places={order.places} total={order.total} />
        <p class="quiet small breakable">{order.order_id}</p>
      </section>
    </Page>
  );
}

export function OrderView({ orderId, query }: { orderId: string; query: URLSearchParams }) {
  return (
    <SignInFirst title="Your order" why="Sign in as who ordered, to see how it stands and to get the tickets.">
      <OrderPage key={orderId} orderId={orderId} query={query} />
    </SignInFirst>
  );
}
