import assert from "node:assert/strict";
import { test } from "node:test";
import { byDay, daysBetween, daysOf, lastMonths, monthText } from "../src/usage.ts";

test("a month has all its days, also where clocks are put forward in it", () => {
  const days = daysBetween(...daysOf("2026-03"));
  assert.equal(days.length, 31);
  assert.deepEqual([days[0], days[28], days[30]], ["2026-03-01", "2026-03-29", "2026-03-31"]);
  assert.deepEqual(daysOf("2028-02"), ["2028-02-01", "2028-02-29"]);
});

test("the figures of a day are those of all keys, and days without requests have none", () => {
  const lines = [
    { day: "2026-11-02", answered: 3, refused: 1 },
    { day: "2026-11-02", answered: 4, refused: 0 },
    { day: "2026-12-01", answered: 9, refused: 9 },
  ];
  assert.deepEqual(byDay(lines, ["2026-11-01", "2026-11-02"]), [
    { day: "2026-11-01", answered: 0, refused: 0 },
    { day: "2026-11-02", answered: 7, refused: 1 },
  ]);
});

test("months go back over the year by UTC", () => {
  assert.deepEqual(lastMonths(new Date("2027-01-31T23:30:00-05:00"), 3), ["2027-02", "2027-01", "2026-12"]);
  assert.equal(monthText("2026-11"), "November 2026");
});
