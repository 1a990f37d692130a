/** Waiting for places that come back: joining, how it stands, and taking what is offered. */
import { useEffect, useState } from "preact/hooks";
import { get, getPublic, write } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Event, Page as PageOf, TicketType, WaitingListEntry } from "../api/types.ts";
import { setBasket } from "../basket.ts";
import { ownMomentText, shortDayText, timeText } from "../dates.ts";
import { Page, Waiting } from "../parts/page.tsx";
import { Places } from "../parts/places.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { SignInFirst } from "../parts/sign-in-first.tsx";
import { Stepper } from "../parts/stepper.tsx";
import { navigate, signInPath } from "../router.ts";
import { useStore } from "../store.ts";

const LOOK_MS = 15_000;

function entriesPath(eventId: string): string {
  return `/v1/waiting-lists/${encodeURIComponent(eventId)}/entries`;
}

/** Beside a ticket type that is sold out: waits for so many places of it. */
export function JoinWaitingList({ event, type, quantity: wanted }: { event: Event; type: TicketType; quantity: number }) {
  const { state } = useStore(session);
  const [quantity, setQuantity] = useState(Math.max(1, wanted));
  const action = useAction();
  const join = (): void => {
    void action.run(async () => {
      await write("POST", entriesPath(event.event_id), { ticket_type_id: type.ticket_type_id, quantity });
      navigate(`/waiting-list/${event.event_id}`);
    });
  };
  return (
    <div class="join">
      <ProblemNote problem={action.problem} />
      {wanted > 0 && <p class="small">Others wait for these places. You can wait, too.</p>}
      {state === "in" ? (
        <>
          <Stepper
            label={`Places of ${type.name} to wait for`}
            value={quantity}
            max={Math.min(event.places_per_order_max, type.places_per_order_max ?? Infinity)}
            onValue={(value) => setQuantity(Math.max(1, value))}
          />
          <button type="button" class="button quiet-button" disabled={action.busy} onClick={join}>
            {action.busy ? "Joining…" : "Join waiting list"}
          </button>
        </>
      ) : (
        <a class="button quiet-button" href={signInPath()}>
          Sign in to wait for places
        </a>
      )}
    </div>
  );
}

const STATES: Record<WaitingListEntry["state"], string> = {
  waiting: "You are on the list. When places come back, we keep them for you for a while and write you a mail.",
  offered: "Places are kept for you.",
  taken: "You have taken what was offered.",
  unanswered: "The offer was not taken in its time and went to the next one.",
  left: "You have left the list.",
  ended: "This entry has ended.",
};

function Entry({ event, entry, changed }: { event: Event; entry: WaitingListEntry; changed(): void }) {
  const action = useAction();
  const type = event.ticket_types.find((one) => one.ticket_type_id === entry.ticket_type_id);
  const { hold_token, total, expires_at } = entry;
  const take = (): void => {
    if (hold_token === null || total === null || expires_at === null || entry.hold_id === null) return;
    const { event_id, name, starts_at, time_zone, venue } = event;
    const hold = { hold_id: entry.hold_id, event_id, state: "held" as const, expires_at, places: entry.places, total, hold_token };
    setBasket({ hold: { ...hold, extended: true }, event: { event_id, name, starts_at, time_zone, venue }, orderId: null });
    navigate("/basket");
  };
  const leave = (): void => {
    void action.run(async () => {
      await write("DELETE", `${entriesPath(event.event_id)}/${entry.entry_id}`);
      changed();
    });
  };
  return (
    <li class="card entry">
      <h2>
        {entry.quantity} × {type?.name ?? "places"}
      </h2>
      <p>{STATES[entry.state]}</p>
      <p class="quiet small">On the list since {ownMomentText(entry.joined_at)}</p>
      {entry.state === "offered" && total !== null && (
        <>
          <Places places={entry.places} total={total} />
          {expires_at !== null && <p>Kept until {ownMomentText(expires_at)}</p>}
        </>
      )}
      <ProblemNote problem={action.problem} again={changed} />
      <div class="actions">
        {entry.state === "offered" && (
          <button type="button" class="button" onClick={take}>
            Take them
          </button>
        )}
        {(entry.state === "waiting" || entry.state === "offered") && (
          <button type="button" class="plain" disabled={action.busy} onClick={leave}>
            Leave the list
          </button>
        )}
      </div>
    </li>
  );
}

function Entries({ event }: { event: Event }) {
  const { value, problem, reload } = useLoaded(() => get<PageOf<WaitingListEntry>>(entriesPath(event.event_id)), [event.event_id]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (value === null) return problem === null ? <Waiting what="Looking at the list" /> : <ProblemNote problem={problem} again={reload} />;
  if (value.items.length === 0) {
    return (
      <p>
        You are on no waiting list of this event. <a href={`/events/${event.event_id}`}>See what is left</a>.
      </p>
    );
  }
  return (
    <ul class="cards one-column">
      {value.items.map((entry) => (
        <Entry key={entry.entry_id} event={event} entry={entry} changed={reload} />
      ))}
    </ul>
  );
}

function WaitingList({ eventId }: { eventId: string }) {
  const { value, problem, reload } = useLoaded(() => getPublic<Event>(`/v1/events/${encodeURIComponent(eventId)}`), [eventId]);
  return (
    <Page title="Waiting list" narrow over={
        value && (
          <p class="over">
            <a href={`/events/${eventId}`}>{value.name}</a>
          </p>
        )
      }>
      {value === null && (problem === null ? <Waiting what="Opening the list" /> : <ProblemNote problem={problem} again={reload} />)}
      {value !== null && (
        <>
          <p class="quiet">
            {shortDayText(value.starts_at, value.time_zone)}, {timeText(value.starts_at, value.time_zone)} · {value.venue.name}
          </p>
          <Entries event={value} />
        </>
      )}
    </Page>
  );
}

export function WaitingListView({ eventId }: { eventId: string }) {
  return (
    <SignInFirst title="Waiting list" why="Sign in to see what you wait for.">
      <WaitingList eventId={eventId} />
    </SignInFirst>
  );
}
