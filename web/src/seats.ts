/** Seats out of the availability document, and what is chosen of them. */
import type { Event, PlaceSold, SectionAvailability, TicketType } from "./api/types.ts";

export interface Seat {
  section: string;
  row: string;
  seat: number;
  zone: string;
  free: boolean;
}

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

/** A section's rows. Bits come in the order of its runs, the lowest bit of each byte first, 1 for free. */
export function rowsOf(section: SectionAvailability): SeatRow[] {
  const bytes = Uint8Array.from(atob(section.free_bits), (letter) => letter.charCodeAt(0));
  const rows: SeatRow[] = [];
  let bit = 0;
  for (const [row, first, last, zone] of section.rows) {
    const run: Seat[] = [];
    for (let seat = first; seat <= last; seat += 1, bit += 1) {
      const free = (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
      run.push({ section: section.section, row, seat, zone, free });
    }
    const open = rows.at(-1);
    if (open?.row === row) open.runs.push(run);
    else rows.push({ row, runs: [run] });
  }
  return rows;
}

export function seatName(seat: Seat): string {
  return `${seat.section} ${seat.row} ${seat.seat}`;
}

/** The ticket types a seat can be bought with: those of its zone, and those of its whole pool. */
export function typesFor(event: Event, poolId: string, seat: Seat): TicketType[] {
  return event.ticket_types.filter((type) => type.pool_id === poolId && (type.zone == null || type.zone === seat.zone));
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
