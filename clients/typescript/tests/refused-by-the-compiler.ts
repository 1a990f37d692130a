/** What must not type-check. Never run: a line below that would be right fails `tsc` as an unused expectation. */
import { type Client, changeEvent, listEvents, placeHold, showEvent } from "../src/index.ts";

export async function wrong(client: Client): Promise<void> {
  const lines = [{ ticket_type_id: "tty_1", quantity: 2 }];
  // @ts-expect-error — the body has no such member
  await placeHold({ client, body: { event_id: "evt_1", lines, colour: "red" } });
  // @ts-expect-error — a member inside of the body is misspelt
  await placeHold({ client, body: { event_id: "evt_1", lines: [{ ticket_type_id: "tty_1", quantty: 2 }] } });
  // @ts-expect-error — a member is of another type
  await placeHold({ client, body: { event_id: 7, lines } });
  // @ts-expect-error — the body lacks its lines
  await placeHold({ client, body: { event_id: "evt_1" } });
  // @ts-expect-error — the path lacks its parameter
  await showEvent({ client });
  // @ts-expect-error — there is no such parameter
  await listEvents({ client, query: { limt: 3 } });
  // @ts-expect-error — a change says by If-Match which version it is meant for
  await changeEvent({ client, path: { event_id: "evt_1" }, body: { name: "Another" } });
  const { data, error } = await placeHold({ client, body: { event_id: "evt_1", lines } });
  // @ts-expect-error — the answer has no such member
  console.log(data?.hold_idd);
  // @ts-expect-error — the operation is never refused so
  console.log(error?.type === "urn:stagedoor:problem:sold-outt");
}
