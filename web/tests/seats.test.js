import assert from "node:assert/strict";
import test from "node:test";
import { chosenOf, companionsAlone, countsOf, linesOf, placeText, rowsOf, seatText, typesFor } from "../src/seats.ts";

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
  event.ticket_types.push({ ...type("e", "p", "low"), access: "complimentary" });
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

/** A row of two bays with an aisle of ordinary seats between: wheelchair places are W, companion seats c. */
function hall() {
  const kinds = "WcWc...Wc";
  const runs = [["J", 1, 4, "low"], ["J", 5, 7, "low"], ["J", 8, 9, "low"]];
  const bits = (kind) => packed([...kinds].map((each) => Number(each === kind)));
  const section = { section: "Stalls", free: 9, rows: runs, free_bits: packed(Array(9).fill(1)), accessible_bits: bits("W"), companion_bits: bits("c") };
  return { section, seats: rowsOf(section)[0].runs.flat(), left: { pools: [{ pool_id: "p", kind: "seated", sections: [section] }] } };
}

test("wheelchair places and companion seats are told from the others, also aloud", () => {
  const { seats } = hall();
  assert.deepEqual(seats.map((seat) => seat.kind[0]).join(""), "wcwcssswc");
  assert.deepEqual(seats.map((seat) => seat.run), [0, 0, 0, 0, 1, 1, 1, 2, 2]);
  assert.equal(seatText(seats[0], "$5.00"), "Stalls J 1, wheelchair place, $5.00");
  assert.equal(seatText(seats[1], null), "Stalls J 2, companion seat, taken");
  assert.equal(seatText(seats[4], "$5.00"), "Stalls J 5, $5.00");
});

test("a companion seat goes with a wheelchair place of its own bay", () => {
  const { seats } = hall();
  const choose = (...at) => companionsAlone(at.map((one) => ({ poolId: "p", seat: seats[one], ticketTypeId: "t" }))).map((seat) => seat.seat);
  assert.deepEqual(choose(0, 1), []);
  assert.deepEqual(choose(0, 3, 4), []);
  assert.deepEqual(choose(0, 8), [9]);
  assert.deepEqual(choose(1, 8), [2, 9]);
  assert.deepEqual(choose(7), []);
});

test("what is in the basket is known again, as seats and as numbers", () => {
  const { left } = hall();
  const place = (seat, ticket_type_id) => ({ pool_id: "p", section: "Stalls", row: "J", seat: String(seat), ticket_type_id });
  const standing = { pool_id: "q", section: null, row: null, seat: null, ticket_type_id: "floor" };
  const places = [place(8, "full"), place(9, "full"), place(6, "child"), standing, standing];
  assert.deepEqual(countsOf(places, left), { numbers: { full: 1, child: 1, floor: 2 }, wheelchairs: { full: 1 } });
  assert.deepEqual(chosenOf(places, left).map((one) => [one.seat.seat, one.ticketTypeId, one.poolId]), [[8, "full", "p"], [9, "full", "p"], [6, "child", "p"]]);
  assert.deepEqual(chosenOf([place(77, "gone")], left), []);
});
