import assert from "node:assert/strict";
import test from "node:test";
import { linesOf, placeText, rowsOf, typesFor } from "../src/seats.ts";

/** Packs bits the way the API does: the lowest bit of each byte first. */
function packed(bits) {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, at) => (bytes[at >> 3] |= bit << (at & 7)));
  return btoa(String.fromCharCode(...bytes));
}

test("every seat has its own bit, over runs, rows and bytes", () => {
  const runs = [["A", 1, 5, "low"], ["A", 6, 9, "high"], ["B", 3, 7, "low"]];
  const bits = Array.from({ length: 14 }, (_, at) => (at * 7) % 3 % 2);
  const rows = rowsOf({ section: "Stalls", free: 0, rows: runs, free_bits: packed(bits) });
  assert.deepEqual(rows.map((row) => [row.row, row.runs.map((run) => run.length)]), [["A", [5, 4]], ["B", [5]]]);
  const seats = rows.flatMap((row) => row.runs.flat());
  assert.deepEqual(seats.map((seat) => Number(seat.free)), bits);
  assert.deepEqual(seats.map((seat) => seat.seat), [1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 4, 5, 6, 7]);
  assert.equal(seats[6].zone, "high");
});

test("missing bits count as taken", () => {
  const rows = rowsOf({ section: "S", free: 0, rows: [["A", 1, 10, "z"]], free_bits: packed([1, 1]) });
  assert.deepEqual(rows[0].runs[0].map((seat) => seat.free), [true, true, ...Array(8).fill(false)]);
});

test("a seat is sold with the types of its zone and of its whole pool", () => {
  const type = (id, pool_id, zone) => ({ ticket_type_id: id, pool_id, zone });
  const event = { ticket_types: [type("a", "p", "low"), type("b", "p", undefined), type("c", "p", "high"), type("d", "q", "low")] };
  assert.deepEqual(typesFor(event, "p", { zone: "low" }).map((one) => one.ticket_type_id), ["a", "b"]);
});

test("chosen seats become one line for each ticket type", () => {
  const seat = (number) => ({ section: "S", row: "A", seat: number, zone: "z", free: true });
  const chosen = [1, 2, 3].map((number) => ({ poolId: "p", seat: seat(number), ticketTypeId: number === 2 ? "child" : "adult" }));
  assert.deepEqual(linesOf(chosen), [
    { ticket_type_id: "adult", seats: [{ section: "S", row: "A", seat: 1 }, { section: "S", row: "A", seat: 3 }] },
    { ticket_type_id: "child", seats: [{ section: "S", row: "A", seat: 2 }] },
  ]);
});

test("places are named by their seat, or by their type", () => {
  assert.equal(placeText({ section: "Stalls", row: "B", seat: "4", ticket_type_name: "Full" }), "Stalls, row B, seat 4");
  assert.equal(placeText({ section: null, row: null, seat: null, ticket_type_name: "Standing" }), "Standing");
});
