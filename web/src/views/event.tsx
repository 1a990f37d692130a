/** One event, and choosing places at it. */
import { useState } from "preact/hooks";
import { getPublic } from "../api/http.ts";
import { useLoaded } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Availability, Event, Work } from "../api/types.ts";
import { dayText, timeText } from "../dates.ts";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { salesOf } from "../roles.ts";
import { useStore } from "../store.ts";
import { ChooseByNumber } from "./choose-by-number.tsx";
import { ChooseSeats } from "./choose-seats.tsx";
import { BasketNote } from "./hold-bar.tsx";
import { BehindWaitingRoom } from "./waiting-room.tsx";

async function load(eventId: string): Promise<Event> {
  return getPublic<Event>(`/v1/events/${encodeURIComponent(eventId)}`);
}

function Programme({ works }: { works: Work[] }) {
  if (works.length === 0) return null;
  return (
    <section class="programme" aria-labelledby="programme">
      <h2 id="programme">Programme</h2>
      <ol>
        {works.map((work, index) => (
          <li key={index}>
            {work.composer && <span class="composer">{work.composer}</span>}
            <span>{work.title}</span>
            {(work.soloists?.length ?? 0) > 0 && <span class="quiet">{work.soloists?.join(", ")}</span>}
            {work.conductor && <span class="quiet">{work.conductor}, conductor</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Facts({ event }: { event: Event }) {
  return (
    <div class="facts">
      <p>
        <strong>{dayText(event.starts_at, event.time_zone)}</strong>, {timeText(event.starts_at, event.time_zone)}
      </p>
      <p>
        {event.venue.name}, {event.venue.city}
      </p>
      {event.doors_at && <p class="quiet">Doors open at {timeText(event.doors_at, event.time_zone)}</p>}
    </div>
  );
}

function Tickets({ event }: { event: Event }) {
  const [bySeat, setBySeat] = useState(false);
  const left = useLoaded(() => getPublic<Availability>(`/v1/availability/${encodeURIComponent(event.event_id)}`), [event.event_id]);
  const hasSeats = left.value?.pools.some((pool) => pool.kind === "seated" && pool.sections.length > 0) ?? false;
  if (event.ticket_types.length === 0) return <p>No tickets are on sale for this event.</p>;
  const shop = left.value !== null && (
    <>
      <BasketNote event={event} />
      {hasSeats && (
        <div class="switch" role="group" aria-label="How to choose">
          <button type="button" aria-pressed={!bySeat} onClick={() => setBySeat(false)}>
            Best available
          </button>
          <button type="button" aria-pressed={bySeat} onClick={() => setBySeat(true)}>
            Choose seats
          </button>
        </div>
      )}
      {bySeat ? (
        <ChooseSeats event={event} left={left.value} reload={left.reload} />
      ) : (
        <ChooseByNumber event={event} left={left.value} reload={left.reload} />
      )}
    </>
  );
  return (
    <section class="tickets" aria-labelledby="tickets">
      <h2 id="tickets">Tickets</h2>
      <ProblemNote problem={left.problem} again={left.reload} />
      {left.value === null && left.problem === null && <Waiting what="Looking what is left" />}
      {left.value?.waiting_room ? <BehindWaitingRoom event={event}>{shop}</BehindWaitingRoom> : shop}
    </section>
  );
}

export function EventView({ eventId }: { eventId: string }) {
  const { me } = useStore(session);
  const event = useLoaded(() => load(eventId), [eventId]);
  if (event.value === null) {
    return (
      <Page title={event.problem?.status === 404 ? "No such event" : "Event"}>
        {event.problem === null ? <Waiting what="Opening the event" /> : <ProblemNote problem={event.problem} again={event.reload} />}
      </Page>
    );
  }
  const { series_name, organiser_name, organiser_id } = event.value;
  return (
    <Page key={eventId} title={event.value.name} over={<p class="over">{[organiser_name, series_name].filter(Boolean).join(" · ")}</p>}>
      <Facts event={event.value} />
      {salesOf(me).some((one) => one.organiser_id === organiser_id) && (
        <a class="plain" href={`/on-sale/${eventId}`}>
          Steer the sale
        </a>
      )}
      <div class="columns">
        <Tickets event={event.value} />
        <div>
          {event.value.description && <p class="description">{event.value.description}</p>}
          <Programme works={event.value.programme} />
        </div>
      </div>
    </Page>
  );
}
