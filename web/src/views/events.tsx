/** What is coming up, and searching it. */
import { useMemo } from "preact/hooks";
import type { EventSummary } from "../api/types.ts";
import { leafParts, monthText, shortDayText } from "../dates.ts";
import { useListing } from "../listing.ts";
import { moneyText } from "../money.ts";
import { isAbout } from "../parts/field.tsx";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { addressOf, askedOf, isByDate } from "../search.ts";
import { SearchForm } from "./search-form.tsx";

function byMonth(events: EventSummary[]): [string, EventSummary[]][] {
  const months = new Map<string, EventSummary[]>();
  for (const event of events) {
    const month = monthText(event.starts_at, event.time_zone);
    months.set(month, [...(months.get(month) ?? []), event]);
  }
  return [...months];
}

function EventCard({ event, withDay = false }: { event: EventSummary; withDay?: boolean }) {
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
            {withDay && `${shortDayText(event.starts_at, event.time_zone)} · `}
            {leaf.time} · {event.venue.name}, {event.venue.city}
          </span>
          <span class="event-price">
            <span class={event.availability === "sold-out" ? "quiet" : "price"}>{event.price_from === null ? "No tickets on sale" : `from ${moneyText(event.price_from)}`}</span>
            <Left event={event} />
          </span>
        </span>
      </a>
    </li>
  );
}

// What needs no word has none: that there are places, and twice that there is nothing to buy.
const LEFT: Partial<Record<EventSummary["availability"], [string, string]>> = {
  "few-left": ["Few left", "badge open"],
  "sold-out": ["Sold out", "badge bad"],
  "not-on-sale": ["Not on sale now", "badge"],
};

function Left({ event }: { event: EventSummary }) {
  const said = event.price_from === null ? undefined : LEFT[event.availability];
  return said === undefined ? null : <span class={said[1]}>{said[0]}</span>;
}

function Cards({ events, withDay = false }: { events: EventSummary[]; withDay?: boolean }) {
  return (
    <ul class="cards">
      {events.map((event) => (
        <EventCard key={event.event_id} event={event} withDay={withDay} />
      ))}
    </ul>
  );
}

// What the form itself says of a field is not said twice.
const SAID_BY_FORM = ["from", "to", "price_min", "price_max"];

export function EventsView({ query }: { query: URLSearchParams }) {
  const asked = useMemo(() => askedOf(query), [query]);
  const { items, next, busy, problem, currency, cities, asked: shown, more, again } = useListing(asked);
  const address = addressOf(asked);
  const isShown = shown === address;
  const saidByForm = SAID_BY_FORM.some((name) => isAbout(problem, name));
  return (
    <Page title="Upcoming events">
      <SearchForm asked={asked} currency={currency} cities={cities} problem={problem} />
      {(problem === null || isShown) && items.length > 0 && (
        <div class="events-found" aria-busy={!isShown}>
          {isByDate(asked) ? (
            byMonth(items).map(([month, events]) => (
              <section key={month} aria-label={month}>
                <h2 class="month">{month}</h2>
                <Cards events={events} />
              </section>
            ))
          ) : (
            <Cards events={items} withDay />
          )}
        </div>
      )}
      {isShown && problem === null && items.length === 0 && next === null && <Nothing isSearch={address !== "/"} />}
      {!saidByForm && <ProblemNote problem={problem} again={again} />}
      {shown === null && busy && <Waiting what="Looking what is on" />}
      {isShown && problem === null && next !== null && (
        <button type="button" class="button quiet-button wide" disabled={busy} onClick={more}>
          {busy ? "Loading…" : items.length === 0 ? "Look further" : "More events"}
        </button>
      )}
      <p class="hidden" role="status">
        {isShown && !busy && problem === null && address !== "/" && `${items.length}${next === null ? "" : " or more"} events found`}
      </p>
    </Page>
  );
}

function Nothing({ isSearch }: { isSearch: boolean }) {
  if (!isSearch) return <p>Nothing is on sale at the moment.</p>;
  return (
    <div class="note">
      <p>
        <strong>No event answers this search.</strong>
        <span class="detail">Every word must be found. Fewer words, other days or any city may find more.</span>
      </p>
      <a class="plain" href="/">
        See all events
      </a>
    </div>
  );
}
