/** Events by id, read once for each tab: orders and gates name their event by its id alone. */
import { getPublic } from "./api/http.ts";
import { useLoaded } from "./api/loading.ts";
import type { EventSummary } from "./api/types.ts";

/** What an order or a gate shows of its event; the rest is not even sent. */
export type EventNamed = Pick<EventSummary, "name" | "starts_at" | "time_zone"> & { venue: { name: string } };

const known = new Map<string, Promise<EventNamed>>();

export function eventOf(eventId: string): Promise<EventNamed> {
  let found = known.get(eventId);
  if (found === undefined) {
    found = getPublic<EventNamed>(`/v1/events/${encodeURIComponent(eventId)}?fields=name,starts_at,time_zone,venue.name`);
    found.catch(() => known.delete(eventId));
    known.set(eventId, found);
  }
  return found;
}

/** The event, or null while it is not known (or cannot be). */
export function useEvent(eventId: string | null): EventNamed | null {
  return useLoaded(async () => (eventId === null ? null : eventOf(eventId)), [eventId]).value;
}
