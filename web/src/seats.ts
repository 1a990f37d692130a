/** Seats out of the availability document, and what is chosen of them. */
import type { Availability, Event, PlaceSold, SectionAvailability, TicketType } from "./api/types.ts";

export interface Seat {
  section: string;
  row: string;
  seat: number;
  zone: string;
  free: boolean;
  kind: SeatKind;
  /** Which run of its section it is in: a companion seat goes with a wheelchair place of the same run. */
  run: number;
}

export type SeatKind = "seat" | "wheelchair" | "companion";

export const KIND_TEXTS: Record<Exclude<SeatKind, "seat">, string> = {
  wheelchair: "wheelchair place",
  companion: "companion seat",
};

/** A row with its runs; between two runs a price zone ends, or an aisle lies. */
export interface SeatRow {
  row: string;
  runs: Seat[][];
}

export interface ChosenSeat {
  poolId: string;
  seat: Seat;
  ticketTypeId: string;
}

/** Reads bits that come in the order of a section's seats, the lowest bit of each byte first; what is missing is 0. */
function bitsOf(packed: string | undefined): (at: number) => boolean {
  const bytes = Uint8Array.from(atob(packed ?? ""), (letter) => letter.charCodeAt(0));
  return (at) => (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) === 1;
}

/** A section's rows with its seats, each as free as the availability says. */
export function rowsOf(section: SectionAvailability): SeatRow[] {
  const isFree = bitsOf(section.free_bits);
  const isWheelchair = bitsOf(section.accessible_bits);
  const isCompanion = bitsOf(section.companion_bits);
  const rows: SeatRow[] = [];
  let bit = 0;
  section.rows.forEach(([row, first, last, zone], run) => {
    const seats: Seat[] = [];
    for (let seat = first; seat <= last; seat += 1, bit += 1) {
      const kind: SeatKind = isWheelchair(bit) ? "wheelchair" : isCompanion(bit) ? "companion" : "seat";
      seats.push({ section: section.section, row, seat, zone, free: isFree(bit), kind, run });
    }
    const open = rows.at(-1);
    if (open?.row === row) open.runs.push(seats);
    else rows.push({ row, runs: [seats] });
  });
  return rows;
}

export function seatName(seat: Seat): string {
  return `${seat.section} ${seat.row} ${seat.seat}`;
}

/** What a screen reader says of a seat: its name, what it is where that is special, and its price or that it is taken. */
export function seatText(seat: Seat, price: string | null): string {
  return [seatName(seat), seat.kind === "seat" ? null : KIND_TEXTS[seat.kind], price ?? "taken"].filter(Boolean).join(", ");
}

/** The ticket types a seat can be bought with: those of its zone, and those of its whole pool. */
export function typesFor(event: Event, poolId: string, seat: Seat): TicketType[] {
  return event.ticket_types.filter(
    (type) => type.pool_id === poolId && (type.zone == null || type.zone === seat.zone) && type.access !== "complimentary",
  );
}

/** The chosen companion seats without a chosen wheelchair place of their run, which the box office would refuse. */
export function companionsAlone(chosen: ChosenSeat[]): Seat[] {
  const bay = ({ section, run }: Seat): string => `${section} ${run}`;
  const attended = new Set(chosen.filter(({ seat }) => seat.kind === "wheelchair").map(({ seat }) => bay(seat)));
  return chosen.map(({ seat }) => seat).filter((seat) => seat.kind === "companion" && !attended.has(bay(seat)));
}

/** What is held already, as the plan shows it: seats are known again by their names. */
export function chosenOf(places: PlaceSold[], left: Availability): ChosenSeat[] {
  const names = new Map<string, { seat: Seat; poolId: string }>();
  if (places.some((place) => place.seat !== null)) {
    for (const pool of left.pools) {
      for (const seat of pool.sections.flatMap((section) => rowsOf(section).flatMap((row) => row.runs.flat()))) {
        names.set(seatName(seat), { seat, poolId: pool.pool_id });
      }
    }
  }
  return places.flatMap((place) => {
    const found = names.get(`${place.section} ${place.row} ${place.seat}`);
    return found === undefined ? [] : [{ ...found, ticketTypeId: place.ticket_type_id }];
  });
}

export interface Counts {
  /** Places by ticket type, wheelchair places not among them. */
  numbers: Record<string, number>;
  wheelchairs: Record<string, number>;
}

/** What is held already, as numbers by ticket type. */
export function countsOf(places: PlaceSold[], left: Availability): Counts {
  const counts: Counts = { numbers: {}, wheelchairs: {} };
  const add = (to: Record<string, number>, id: string, count: number): void => {
    to[id] = (to[id] ?? 0) + count;
  };
  for (const place of places) add(counts.numbers, place.ticket_type_id, 1);
  for (const { seat, ticketTypeId } of chosenOf(places, left)) {
    if (seat.kind !== "wheelchair") continue;
    add(counts.numbers, ticketTypeId, -1);
    add(counts.wheelchairs, ticketTypeId, 1);
  }
  return counts;
}

/** Chosen seats as the lines of a hold: one for each ticket type. */
export function linesOf(chosen: ChosenSeat[]): { ticket_type_id: string; seats: object[] }[] {
  const lines = new Map<string, object[]>();
  for (const { seat, ticketTypeId } of chosen) {
    const seats = lines.get(ticketTypeId) ?? [];
    seats.push({ section: seat.section, row: seat.row, seat: seat.seat });
    lines.set(ticketTypeId, seats);
  }
  return [...lines].map(([ticket_type_id, seats]) => ({ ticket_type_id, seats }));
}

/** `Orchestra, row A, seat 12`, or the ticket type where places have no seats. */
export function placeText(place: PlaceSold): string {
  if (place.seat === null) return place.ticket_type_name;
  return [place.section, place.row && `row ${place.row}`, `seat ${place.seat}`].filter(Boolean).join(", ");
}
