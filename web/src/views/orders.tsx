/** The buyer's own orders. */
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/http.ts";
import { useAction } from "../api/loading.ts";
import type { Order, Page as PageOf } from "../api/types.ts";
import { ownMomentText, shortDayText } from "../dates.ts";
import { useEvent } from "../event-names.ts";
import { moneyText } from "../money.ts";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { SignInFirst } from "../parts/sign-in-first.tsx";
import { STATES } from "./order-states.ts";

function OrderCard({ order }: { order: Order }) {
  const event = useEvent(order.event_id);
  const { label, tone } = STATES[order.state];
  return (
    <li>
      <a class="card order-card" href={`/orders/${order.order_id}`}>
        <span class="event-facts">
          <span class="event-name">{event?.name ?? "…"}</span>
          <span class="quiet">
            {event && `${shortDayText(event.starts_at, event.time_zone)} · `}
            {order.places.length === 1 ? "1 place" : `${order.places.length} places`} · {moneyText(order.total)}
          </span>
          <span class="quiet small">Ordered {ownMomentText(order.created_at)}</span>
        </span>
        <span class={`badge ${tone}`}>{label}</span>
      </a>
    </li>
  );
}

function OrderList() {
  const [page, setPage] = useState<PageOf<Order> | null>(null);
  const more = useAction();
  const load = (): Promise<void> =>
    more.run(async () => {
      const cursor = page?.next ? `&cursor=${encodeURIComponent(page.next)}` : "";
      const loaded = await get<PageOf<Order>>(`/v1/orders?limit=20${cursor}`);
      setPage({ items: [...(page?.items ?? []), ...loaded.items], next: loaded.next });
    });
  useEffect(() => void load(), []);
  return (
    <Page title="My orders">
      <ul class="cards one-column">
        {page?.items.map((order) => (
          <OrderCard key={order.order_id} order={order} />
        ))}
      </ul>
      {page?.items.length === 0 && (
        <p>
          No orders yet. <a href="/">See what is on</a>.
        </p>
      )}
      <ProblemNote problem={more.problem} again={() => void load()} />
      {page === null && more.busy && <Waiting what="Fetching your orders" />}
      {page?.next && (
        <button type="button" class="button quiet-button wide" disabled={more.busy} onClick={() => void load()}>
          {more.busy ? "Loading…" : "Older orders"}
        </button>
      )}
    </Page>
  );
}

export function OrdersView() {
  return (
    <SignInFirst title="My orders" why="Sign in to see your orders and tickets.">
      <OrderList />
    </SignInFirst>
  );
}
