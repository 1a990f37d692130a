import assert from "node:assert/strict";
import test from "node:test";

globalThis.sessionStorage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
const { nextLook, passes, passFor, waitText } = await import("../src/waiting-room.ts");

const NOW = Date.parse("2026-12-03T10:00:00Z");
const at = (seconds) => new Date(NOW + seconds * 1000).toISOString();
const room = (state, rest = {}) => ({ state, reason: null, opens_at: at(0), seed: null, drawn: null, serving: 0, passes_per_second: 2, notice: null, ...rest });
/** The shortest and the longest pause, in seconds. */
const pauses = (status, ahead) => [0, 0.999].map((chance) => nextLook(status, ahead, NOW, chance) / 1000);

test("long before the opening a look is seldom, and near it soon after it", () => {
  assert.deepEqual(pauses(room("before", { opens_at: at(3600) }), null).map(Math.round), [20, 40]);
  assert.deepEqual(pauses(room("before", { opens_at: at(5) }), null).map(Math.round), [5, 7]);
  assert.deepEqual(pauses(room("before", { opens_at: at(60) }), null).map(Math.round), [10, 12]);
});

test("nobody looks more than once a second, whatever the clock and the rate say", () => {
  for (const status of [room("before", { opens_at: at(-100) }), room("open"), room("open", { passes_per_second: 0 }), room("paused"), room("closed")]) {
    for (const ahead of [null, 0, 1, 1_000_000]) {
      const [shortest, longest] = pauses(status, ahead);
      assert.ok(shortest >= 1 && longest <= 17, JSON.stringify([status.state, ahead, shortest, longest]));
      assert.ok(longest > shortest, "all would come back at the same moment");
    }
  }
});

test("who is far back looks seldom, and who is near often", () => {
  assert.ok(pauses(room("open"), 4)[1] < 3.1);
  assert.ok(pauses(room("open"), 100_000)[0] >= 15);
});

test("what is over for good is hardly looked at", () => {
  assert.ok(pauses(room("closed", { reason: "ended" }), 3)[0] >= 60);
  assert.ok(pauses(room("closed", { reason: "store-away" }), 3)[1] <= 10);
});

test("the time to wait is told as roughly as it is known", () => {
  const told = [[10, 1], [59, 1], [60, 1], [90, 1], [150, 1], [5_000, 1], [5_400, 1], [36_000, 2]].map(([ahead, rate]) => waitText(ahead, rate));
  assert.deepEqual(told, [
    "less than a minute",
    "less than a minute",
    "about 1 minute",
    "about 2 minutes",
    "about 3 minutes",
    "about 83 minutes",
    "about 2 hours",
    "about 5 hours",
  ]);
  assert.equal(waitText(10, 0), null);
});

test("a Pass is good until it runs out, for its own event", () => {
  passes.set({ one: { event_id: "one", pass: "p", expires_at: new Date(Date.now() + 60_000).toISOString() } });
  assert.equal(passFor("one")?.pass, "p");
  assert.equal(passFor("another"), null);
  passes.set({ one: { event_id: "one", pass: "p", expires_at: new Date(Date.now() - 1).toISOString() } });
  assert.equal(passFor("one"), null);
});
