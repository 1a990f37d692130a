import assert from "node:assert/strict";
import test from "node:test";
import { addressOf, askedOf, filtersSet, isByDate, NOTHING, pathOf } from "../src/search.ts";

const asked = (text) => askedOf(new URLSearchParams(text));

test("an address says what is asked, and what is asked makes the address", () => {
  const address = "/?q=dvo%C5%99%C3%A1k+cello&from=2026-12-01&to=2026-12-31&city=New+York&price_max=50&available=true&sort=relevance";
  assert.equal(addressOf(asked(address.slice(1))), address);
  assert.equal(addressOf(asked("q=++&city=")), "/");
  assert.deepEqual(asked(""), NOTHING);
});

test("what nobody could have picked is left out of what is asked", () => {
  assert.deepEqual(asked("from=tomorrow&price_min=-1&price_max=1e9&sort=name&available=1&surprise=1"), NOTHING);
  assert.equal(asked("sort=relevance").sort, "", "without words nothing matches better");
  assert.equal(asked(`q=${"a".repeat(300)}`).q.length, 200);
});

test("prices are asked for in minor units of their currency", () => {
  const path = (currency) => pathOf(asked("price_min=19,99&price_max=50"), currency, 24, null);
  assert.equal(path("USD"), "/v1/events?limit=24&price_min=1999&price_max=5000&currency=USD");
  assert.equal(path("JPY"), "/v1/events?limit=24&price_min=20&price_max=50&currency=JPY");
  assert.equal(pathOf(NOTHING, "USD", 24, null), "/v1/events?limit=24", "what is not asked is not sent");
  assert.equal(pathOf(asked("q=a"), "USD", 5, "x"), "/v1/events?limit=5&q=a&cursor=x");
});

test("folded filters are counted, and months head only what comes by date", () => {
  assert.equal(filtersSet(asked("q=a&from=2026-12-01&to=2026-12-02&price_min=1")), 2);
  assert.equal(filtersSet(asked("available=true")), 1);
  assert.deepEqual(["", "sort=-starts_at", "sort=price", "q=a&sort=relevance"].map((one) => isByDate(asked(one))), [true, true, false, false]);
});
