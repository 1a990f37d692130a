/** What is coming up. */
import { useEffect } from "preact/hooks";
import { getPublic } from "../api/http.ts";
import { useAction } from "../api/loading.ts";
import type { EventSummary, Page as PageOf } from "../api/types.ts";
import { leafParts, monthText } from "../dates.ts";
import { moneyText } from "../money.ts";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { makeStore, useStore } from "../store.ts";

interface Listed {
  items: EventSummary[];
  next: string | null;
  begun: boolean;
}

// Kept outside the page, so that coming back from an event finds the list as it was left.
const listed = makeStore<Listed>({ items: [], next: null, begun: false });

async function loadMore(): Promise<void> {
  const { items, next } = listed.get();
  const cursor = next === null ? "" : `&cursor=${encodeURIComponent(next)}`;
  const page = await getPublic<PageOf<EventSummary>>(`/v1/events?limit=24${cursor}`);
  listed.set({ items: [...items, ...page.items], next: page.next, begun: true });
}

function byMonth(events: EventSummary[]): [string, EventSummary[]][] {
  const months = new Map<string, EventSummary[]>();
  for (const event of events) {
    const month = monthText(event.starts_at, event.time_zone);
    months.set(month, [...(months.get(month) ?? []), event]);
  }
  return [...months];
}

function EventCard({ event }: { event: EventSummary }) {
  const leaf = leafParts(event.starts_at, event.time_zone);
  return (
    <li>
      <a class="card event-card" href={`/events/${event.event_id}`}>
        <span class="leaf">
          <span>{leaf.weekday}</span>
          <strong>{leaf.day}</strong>
        </span>
        <span class="event-facts">
          <span class="event-name">{event.name}</span>
          <span class="quiet">
            {leaf.time} · {event.venue.name}, {event.venue.city}
          </span>
          <span class="price">{event.price_from === null ? "No tickets on sale" : `from ${moneyText(event.price_from)}`}</span>
        </span>
      </a>
    </li>
  );
}

export function EventsView() {
  const { items, next, begun } = useStore(listed);
  const more = useAction();
  useEffect(() => {
    if (!listed.get().begun) void more.run(loadMore);
  }, []);
  return (
    <Page title="Upcoming events">
      {byMonth(items).map(([month, events]) => (
        <section key={month} aria-label={month}>
          <h2 class="month">{month}</h2>
          <ul class="cards">
            {events.map((event) => (
              <EventCard key={event.event_id} event={event} />
            ))}
          </ul>
        </section>
      ))}
      {begun && items.length === 0 && <p>Nothing is on sale at the moment.</p>}
      <ProblemNote problem={more.problem} again={() => void more.run(loadMore)} />
      {!begun && more.busy && <Waiting what="Looking what is on" />}
      {begun && next !== null && (
        <button type="button" class="button quiet-button wide" disabled={more.busy} onClick={() => void more.run(loadMore)}>
          {more.busy ? "Loading…" : "More events"}
        </button>
      )}
    </Page>
  );
}
