/** The door: choose the event and the gate, enter codes, get a plain yes or no. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get, write } from "../api/http.ts";
import { asProblem, type Problem, serverNow } from "../api/wire.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Admission, EventSummary, Gate, Membership, Page as PageOf } from "../api/types.ts";
import { shortDayText, timeText } from "../dates.ts";
import { Choice } from "../parts/choice.tsx";
import { Field } from "../parts/field.tsx";
import { useOrganiser } from "../parts/choose-organiser.tsx";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { SignInFirst } from "../parts/sign-in-first.tsx";
import { doorsOf, keepsGates } from "../roles.ts";
import { useStore } from "../store.ts";

/** What the last scan came to. A lost connection is neither yes nor no. */
type Verdict = { kind: "in"; admission: Admission } | { kind: "no"; problem: Problem } | { kind: "unknown"; problem: Problem };

/** What the moment in a refusal stands for: when the ticket passed before, or when the doors open. */
function momentText(problem: Problem, timeZone: string): string | null {
  const { at, reason } = problem.document;
  if (typeof at !== "string") return null;
  const when = `${shortDayText(at, timeZone)}, ${timeText(at, timeZone)}`;
  return reason === "doors_closed" ? `They open ${when}` : `Passed ${when}`;
}

function VerdictNote({ verdict, timeZone }: { verdict: Verdict | null; timeZone: string }) {
  if (verdict === null) return <div class="verdict idle">Scan or type a code</div>;
  if (verdict.kind === "in") {
    const { admission } = verdict;
    return (
      <div class="verdict yes">
        <strong>{admission.direction === "in" ? "✓ Welcome" : "✓ Goodbye"}</strong>
        <span>{admission.place_label}</span>
        {admission.place_label !== admission.ticket_type_name && <span>{admission.ticket_type_name}</span>}
      </div>
    );
  }
  const { problem } = verdict;
  const moment = momentText(problem, timeZone);
  return (
    <div class={verdict.kind === "no" ? "verdict no" : "verdict unsure"}>
      <strong>{verdict.kind === "no" ? "✕ No entry" : "? Scan again"}</strong>
      <span>{problem.detail ?? problem.title}</span>
      {moment !== null && <span>{moment}</span>}
    </div>
  );
}

function Scanner({ gate, timeZone }: { gate: Gate; timeZone: string }) {
  const [code, setCode] = useState("");
  const [leaving, setLeaving] = useState(false);
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [busy, setBusy] = useState(false);
  const entry = useRef<HTMLTextAreaElement>(null);
  useEffect(() => entry.current?.focus(), []);
  const scan = async (): Promise<void> => {
    if (busy || code.trim() === "") return;
    setBusy(true);
    try {
      const body = { code: code.trim(), gate_id: gate.gate_id, direction: leaving ? "out" : "in" };
      setVerdict({ kind: "in", admission: await write<Admission>("POST", "/v1/admissions", body) });
      setCode("");
    } catch (thrown) {
      const problem = asProblem(thrown);
      setVerdict({ kind: problem.slug === "not-admitted" ? "no" : "unknown", problem });
      if (problem.slug === "not-admitted") setCode("");
    }
    setBusy(false);
    entry.current?.focus();
  };
  return (
    <form
      onSubmit={(form) => {
        form.preventDefault();
        void scan();
      }}
    >
      <div role="status" aria-live="assertive">
        <VerdictNote verdict={verdict} timeZone={timeZone} />
      </div>
      <div class="field">
        <label for="code">Ticket code</label>
        <textarea
          id="code"
          ref={entry}
          rows={3}
          value={code}
          autoComplete="off"
          spellcheck={false}
          autoCapitalize="characters"
          onInput={(input) => setCode(input.currentTarget.value)}
          onKeyDown={(key) => {
            // Hand scanners end a code with Enter.
            if (key.key === "Enter") {
              key.preventDefault();
              void scan();
            }
          }}
        />
      </div>
      <div class="switch" role="group" aria-label="Direction">
        <button type="button" aria-pressed={!leaving} onClick={() => setLeaving(false)}>
          In
        </button>
        <button type="button" aria-pressed={leaving} onClick={() => setLeaving(true)}>
          Out
        </button>
      </div>
      <button class="button wide" disabled={busy || code.trim() === ""}>
        {busy ? "Checking…" : "Check"}
      </button>
    </form>
  );
}

function NewGate({ event, added }: { event: EventSummary; added(): void }) {
  const [name, setName] = useState("");
  const { busy, problem, run } = useAction();
  const submit = (form: SubmitEvent): void => {
    form.preventDefault();
    void run(async () => {
      await write<Gate>("POST", "/v1/gates", { event_id: event.event_id, name });
      setName("");
      added();
    });
  };
  return (
    <form class="card form" onSubmit={submit}>
      <Field label="New gate" name="name" value={name} problem={problem} onValue={setName} />
      <ProblemNote problem={problem?.field === "$.name" ? null : problem} />
      <button class="button quiet-button" disabled={busy || name.trim() === ""}>
        Open this gate
      </button>
    </form>
  );
}

function Gates({ event, membership }: { event: EventSummary; membership: Membership }) {
  const gates = useLoaded(() => get<PageOf<Gate>>(`/v1/gates?limit=100&event_id=${event.event_id}`), [event.event_id]);
  const [gateId, setGateId] = useState<string | null>(null);
  const all = gates.value?.items ?? [];
  const gate = all.find((one) => one.gate_id === gateId) ?? all[0];
  return (
    <>
      <ProblemNote problem={gates.problem} again={gates.reload} />
      {gates.value === null && gates.problem === null && <Waiting what="Looking for the gates" />}
      {gate && (
        <Choice
          label="Gate"
          value={gate.gate_id}
          options={all.map((one) => ({ value: one.gate_id, label: one.name }))}
          onValue={setGateId}
        />
      )}
      {gate && <Scanner key={gate.gate_id} gate={gate} timeZone={event.time_zone} />}
      {gates.value !== null && all.length === 0 && (
        <>
          <p class="note">This event has no gate yet.</p>
          {keepsGates(membership) ? <NewGate event={event} added={gates.reload} /> : <p>Ask a manager to open one.</p>}
        </>
      )}
    </>
  );
}

const DAY = 24 * 3600 * 1000;
const COMING_MAX = 100;

/** The organiser's next events, with those that have begun: latecomers are let in, too. */
async function comingEvents(organiserId: string): Promise<EventSummary[]> {
  const coming: EventSummary[] = [];
  let cursor = "";
  do {
    const page = await get<PageOf<EventSummary>>(`/v1/events?limit=100&organiser_id=${organiserId}${cursor}`);
    coming.push(...page.items.filter((one) => one.state === "published" && Date.parse(one.starts_at) > serverNow() - DAY));
    cursor = page.next === null ? "" : `&cursor=${encodeURIComponent(page.next)}`;
  } while (cursor !== "" && coming.length < COMING_MAX);
  return coming;
}

function whenAndWhat(event: EventSummary): string {
  return `${shortDayText(event.starts_at, event.time_zone)}, ${timeText(event.starts_at, event.time_zone)} · ${event.name}`;
}

function DoorOf({ membership }: { membership: Membership }) {
  const events = useLoaded(() => comingEvents(membership.organiser_id), [membership.organiser_id]);
  const [eventId, setEventId] = useState<string | null>(null);
  const all = events.value ?? [];
  const event = all.find((one) => one.event_id === eventId) ?? all[0];
  return (
    <>
      <ProblemNote problem={events.problem} again={events.reload} />
      {events.value !== null && all.length === 0 && <p>This organiser has no coming events.</p>}
      {event && (
        <Choice
          label="Event"
          value={event.event_id}
          options={all.map((one) => ({ value: one.event_id, label: whenAndWhat(one) }))}
          onValue={setEventId}
        />
      )}
      {event && <Gates key={event.event_id} event={event} membership={membership} />}
    </>
  );
}

function DoorPage() {
  const { me } = useStore(session);
  const { membership, choice } = useOrganiser(doorsOf(me));
  return (
    <Page title="Door" over={membership && <p class="over">{membership.organiser_name}</p>} narrow>
      {membership === undefined && <p>The door is for an organiser's members. You are not one.</p>}
      {choice}
      {membership && <DoorOf key={membership.organiser_id} membership={membership} />}
    </Page>
  );
}

export function DoorView() {
  return (
    <SignInFirst title="Door" why="Sign in as a member of the organiser to check tickets.">
      <DoorPage />
    </SignInFirst>
  );
}
