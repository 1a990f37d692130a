import assert from "node:assert/strict";
import test from "node:test";
import { leafParts, minutesText, momentOf, ownMinute, timeText } from "../src/dates.ts";
import { moneyText, sumOf } from "../src/money.ts";

test("amounts have the decimals of their currency", () => {
  assert.equal(moneyText({ amount: 123450, currency: "USD" }), "$1,234.50");
  assert.equal(moneyText({ amount: 4500, currency: "JPY" }), "¥4,500");
  assert.equal(moneyText({ amount: 4500, currency: "KWD" }).replace(/\s/u, " "), "KWD 4.500");
  assert.equal(sumOf([]), null);
  assert.deepEqual(sumOf([{ amount: 1, currency: "EUR" }, { amount: 2, currency: "EUR" }]), { amount: 3, currency: "EUR" });
});

test("times are those of the house, also on another day than here", () => {
  const at = "2026-12-04T00:30:00Z";
  assert.deepEqual([leafParts(at, "America/New_York").day, leafParts(at, "Europe/Berlin").day], ["3", "4"]);
  assert.match(timeText(at, "America/New_York"), /^7:30\sPM EST$/u);
});

test("the time left never promises a second too much", () => {
  assert.deepEqual([600_000, 59_999, 1, -5].map(minutesText), ["10:00", "0:59", "0:00", "0:00"]);
});

test("what a person types as the time of the opening is the moment that is shown again", () => {
  assert.equal(momentOf(ownMinute("2026-12-03T10:30:00.000Z")), "2026-12-03T10:30:00.000Z");
  assert.equal(ownMinute(momentOf("2026-07-03T23:59")), "2026-07-03T23:59");
  assert.equal(momentOf(""), null);
});
