/** Writes and sessions against a made-up server: what is sent, and under which key. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const stored = new Map();
globalThis.sessionStorage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
};
const { write } = await import("../src/api/http.ts");
const { session, signIn } = await import("../src/api/session.ts");

let sent;
let answers;
globalThis.fetch = async (path, init) => {
  sent.push({ path, method: init.method, key: init.headers["Idempotency-Key"], token: init.headers["Authorization"] });
  const answer = answers.shift();
  if (answer === "lost") throw new TypeError("network");
  return new Response(JSON.stringify(answer.body ?? {}), { status: answer.status, headers: { Date: new Date().toUTCString() } });
};
const tokens = (number) => ({ status: 200, body: { access_token: `access-${number}`, refresh_token: `refresh-${number}` } });

beforeEach(async () => {
  sent = [];
  answers = [tokens(1), { status: 200, body: { name: "Bea" } }];
  await signIn("bea@example.com", "password");
  sent = [];
});

const paths = () => sent.map((one) => one.path);

test("a write whose answer was lost goes out again under its key, and the next one under another", async () => {
  answers = ["lost", { status: 503 }, { status: 201 }, { status: 201 }];
  await assert.rejects(write("POST", "/v1/holds", { places: 2 }));
  await assert.rejects(write("POST", "/v1/holds", { places: 2 }));
  await write("POST", "/v1/holds", { places: 2 });
  await write("POST", "/v1/holds", { places: 2 });
  const keys = sent.map((one) => one.key);
  assert.ok(keys[0].length >= 32);
  assert.deepEqual([keys[1], keys[2]], [keys[0], keys[0]]);
  assert.notEqual(keys[3], keys[0]);
});

test("a refusal is an answer: what is sent after it has a key of its own", async () => {
  answers = [{ status: 409, body: { type: "urn:stagedoor:problem:sold-out", title: "Sold out" } }, { status: 201 }];
  await assert.rejects(write("POST", "/v1/holds", { places: 1 }), /Sold out/);
  await write("POST", "/v1/holds", { places: 1 });
  assert.notEqual(sent[0].key, sent[1].key);
});

test("a token that ran out is renewed once, and the write goes out again under the same key", async () => {
  answers = [{ status: 401 }, tokens(2), { status: 201 }];
  await write("POST", "/v1/orders", {});
  assert.deepEqual(paths(), ["/v1/orders", "/v1/sessions/refresh", "/v1/orders"]);
  assert.deepEqual([sent[0].token, sent[2].token], ["Bearer access-1", "Bearer access-2"]);
  assert.equal(sent[0].key, sent[2].key);
});

test("a second 401 is told and not tried a third time", async () => {
  answers = [{ status: 401 }, tokens(2), { status: 401, body: { title: "Sign in first" } }];
  await assert.rejects(write("POST", "/v1/orders", {}), /Sign in first/);
  assert.equal(sent.length, 3);
});

test("those who need a new token at once share one refresh", async () => {
  answers = [{ status: 401 }, { status: 401 }, tokens(2), { status: 201 }, { status: 201 }];
  await Promise.all([write("POST", "/v1/a"), write("POST", "/v1/b")]);
  assert.equal(paths().filter((path) => path === "/v1/sessions/refresh").length, 1);
});

test("a session that is over signs out here and forgets its token", async () => {
  answers = [{ status: 401 }, { status: 401, body: { type: "urn:stagedoor:problem:session-over" } }];
  await assert.rejects(write("POST", "/v1/orders", {}));
  assert.equal(session.get().state, "out");
  assert.equal(stored.size, 0);
});
