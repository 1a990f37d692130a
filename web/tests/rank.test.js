import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { rankOf, rankOfNumber } from "../src/rank.ts";

const examples = JSON.parse(readFileSync(new URL("../../docs/decisions/0010-waiting-room.json", import.meta.url)));

test("the published examples come out as they are published", async () => {
  assert.ok(examples.length >= 20);
  for (const { seed, drawn, phase, serial, rank } of examples) {
    assert.equal(await rankOfNumber({ phase, serial }, { seed, drawn }), rank, JSON.stringify({ drawn, serial }));
  }
});

test("every serial has a rank of its own", async () => {
  const seed = "5a".repeat(32);
  const ranks = await Promise.all(Array.from({ length: 77 }, (_, serial) => rankOf(serial, seed, 77)));
  assert.deepEqual([...ranks].sort((a, b) => a - b), Array.from({ length: 77 }, (_, rank) => rank));
});

test("before the draw there is no rank, and a serial it does not cover is refused", async () => {
  assert.equal(await rankOfNumber({ phase: "before", serial: 3 }, { seed: null, drawn: null }), null);
  await assert.rejects(rankOf(5, "00".repeat(32), 5), RangeError);
});
