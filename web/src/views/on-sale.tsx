/** One event's sale, for its organiser: the waiting room, the places, the vouchers. */
import { getPublic } from "../api/http.ts";
import { useLoaded } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Event } from "../api/types.ts";
import { shortDayText, timeText } from "../dates.ts";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { SignInFirst } from "../parts/sign-in-first.tsx";
import { keepsGates, salesOf } from "../roles.ts";
import { useStore } from "../store.ts";
import { PoolsControl } from "./pools-control.tsx";
import { RoomControl } from "./room-control.tsx";
import { Vouchers } from "./vouchers.tsx";

function OnSale({ eventId }: { eventId: string }) {
  const { me } = useStore(session);
  const { value, problem, reload } = useLoaded(() => getPublic<Event>(`/v1/events/${encodeURIComponent(eventId)}`), [eventId]);
  if (value === null) {
    return <Page title="On-sale">{problem === null ? <Waiting what="Opening the sale" /> : <ProblemNote problem={problem} again={reload} />}</Page>;
  }
  const membership = salesOf(me).find((one) => one.organiser_id === value.organiser_id);
  return (
    <Page title={value.name} over={<p class="over">On-sale · {value.organiser_name}</p>}>
      <p class="quiet">
        {shortDayText(value.starts_at, value.time_zone)}, {timeText(value.starts_at, value.time_zone)} · <a href={`/events/${eventId}`}>As buyers see it</a>
      </p>
      {membership === undefined ? (
        <p>This page is for the organiser's owners, managers and box office.</p>
      ) : (
        <>
          <RoomControl event={value} steers={keepsGates(membership)} />
          <PoolsControl event={value} steers={keepsGates(membership)} />
          <Vouchers event={value} steers={keepsGates(membership)} />
        </>
      )}
    </Page>
  );
}

export function OnSaleView({ eventId }: { eventId: string }) {
  return (
    <SignInFirst title="On-sale" why="Sign in as a member of the organiser to steer its sale.">
      <OnSale eventId={eventId} />
    </SignInFirst>
  );
}
