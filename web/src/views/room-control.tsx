/** The waiting room, for who steers it: how it goes, why, and the few things that can be turned. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { get, write } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import type { Event, WaitingRoomControl, WaitingRoomSettings } from "../api/types.ts";
import { type Problem, serverNow } from "../api/wire.ts";
import { momentOf, ownMinute, shortDayText, timeText } from "../dates.ts";
import { Field, isAbout } from "../parts/field.tsx";
import { Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Sparkline } from "../parts/sparkline.tsx";

const LOOK_MS = 2000;
const SAMPLES_MAX = 150;

const STATES: Record<WaitingRoomControl["state"], string> = {
  before: "Not open yet",
  open: "Open",
  paused: "Paused",
  closed: "Closed",
  sold_out: "Sold out",
};

interface Sample {
  waiting: number;
  rate: number;
  bought: number;
}

function roomPath(eventId: string): string {
  return `/v1/waiting-rooms/${encodeURIComponent(eventId)}`;
}

/** The room every two seconds, and what it was before. */
function useRoom(eventId: string) {
  const room = useLoaded(() => get<WaitingRoomControl>(roomPath(eventId)), [eventId]);
  const [samples, setSamples] = useState<Sample[]>([]);
  useEffect(() => {
    if (room.value === null) return;
    const { waiting, rate, last_minute } = room.value;
    setSamples((before) => [...before, { waiting, rate, bought: last_minute.places_bought }].slice(-SAMPLES_MAX));
  }, [room.value]);
  useEffect(() => {
    const timer = setTimeout(room.reload, LOOK_MS);
    return () => clearTimeout(timer);
  }, [room.value, room.problem]);
  return { ...room, samples };
}

function Tile({ name, figure }: { name: string; figure: number | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{figure === null ? "–" : figure.toLocaleString("en-US")}</dd>
    </div>
  );
}

function Figures({ room, samples }: { room: WaitingRoomControl; samples: Sample[] }) {
  return (
    <>
      <dl class="tiles">
        <Tile name="Waiting" figure={room.waiting} />
        <Tile name="Served" figure={room.served} />
        <Tile name="Choosing now" figure={room.passes_outstanding} />
        <Tile name="Places free" figure={room.places_free} />
        <Tile name="In baskets" figure={room.places_held} />
      </dl>
      <div class="sparks">
        <Sparkline name="Waiting" values={samples.map((one) => one.waiting)} unit={["person", "people"]} />
        <Sparkline name="Let in" values={samples.map((one) => one.rate)} unit={["a second", "a second"]} />
        <Sparkline name="Bought in the last minute" values={samples.map((one) => one.bought)} unit={["place", "places"]} />
      </div>
      <p class="quiet">{room.explanation}</p>
    </>
  );
}

interface SteeringProps {
  event: Event;
  settings: WaitingRoomSettings;
  changed(): void;
}

type Change = (what: object) => void;

interface SettingProps {
  /** What the form changes, from what was typed. */
  what: object;
  differs: boolean;
  button: string;
  busy: boolean;
  change: Change;
  children: ComponentChildren;
}

/** One thing that can be set, with its button. */
function Setting({ what, differs, button, busy, change, children }: SettingProps) {
  return (
    <form
      class="steering-row"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        change(what);
      }}
    >
      {children}
      <button type="submit" class="button quiet-button" disabled={busy || !differs}>
        {button}
      </button>
    </form>
  );
}

/** What is typed stays typed while another setting is changed, here or by a colleague. */
function useTyped(set: string): [string, (value: string) => void] {
  const [typed, setTyped] = useState(set);
  useEffect(() => setTyped(set), [set]);
  return [typed, setTyped];
}

function Steering({ event, settings, changed }: SteeringProps) {
  const action = useAction();
  const [rate, setRate] = useTyped(String(settings.passes_per_second_max));
  const [notice, setNotice] = useTyped(settings.notice ?? "");
  const [opensAt, setOpensAt] = useTyped(ownMinute(settings.opens_at));
  const change: Change = (what) => {
    void action.run(async () => {
      await write("PATCH", roomPath(event.event_id), what, { "If-Match": `"${settings.version}"` });
      changed();
    });
  };
  const { busy, problem } = action;
  const known = ["passes_per_second_max", "notice", "opens_at"].some((name) => isAbout(problem, name));
  return (
    <div class="steering">
      {!known && <ProblemNote problem={problem} again={changed} />}
      {Date.parse(settings.opens_at) > serverNow() && (
        <Setting what={{ opens_at: momentOf(opensAt) }} differs={opensAt !== ownMinute(settings.opens_at)} button="Move" busy={busy} change={change}>
          <OpensAt event={event} value={opensAt} problem={problem} onValue={setOpensAt} />
        </Setting>
      )}
      <Setting
        what={{ passes_per_second_max: Number(rate) }}
        differs={Number(rate) !== settings.passes_per_second_max}
        button="Set"
        busy={busy}
        change={change}
      >
        <Rate value={rate} problem={problem} onValue={setRate} />
      </Setting>
      <Setting
        what={{ notice: notice.trim() === "" ? null : notice.trim() }}
        differs={notice.trim() !== (settings.notice ?? "")}
        button={notice.trim() === "" && settings.notice !== null ? "Take it down" : "Show"}
        busy={busy}
        change={change}
      >
        <Field label="A notice to those who wait" name="notice" value={notice} required={false} problem={problem} onValue={setNotice} />
      </Setting>
      <div class="actions">
        <button type="button" class="button" disabled={busy} onClick={() => change({ paused: !settings.paused })}>
          {settings.paused ? "Let people in again" : "Pause"}
        </button>
        <button
          type="button"
          class="plain"
          disabled={busy}
          onClick={() => {
            if (window.confirm("End the waiting room? Everybody may then buy at once, and it cannot be opened again.")) change({ ended: true });
          }}
        >
          End the waiting room
        </button>
      </div>
    </div>
  );
}

interface InputProps {
  value: string;
  problem: Problem | null;
  onValue(value: string): void;
}

function Rate(props: InputProps) {
  return <Field label="Let in at most so many people a second" name="passes_per_second_max" type="number" min={0.5} max={10_000} step="any" {...props} />;
}

/** The value of a datetime-local input is in the reader's own time, which need not be the venue's. */
function OpensAt({ event, value, problem, onValue }: InputProps & { event: Event }) {
  const id = useId();
  const wrong = isAbout(problem, "opens_at");
  const at = momentOf(value);
  return (
    <div class="field">
      <label for={id}>Opens at, in your own time</label>
      <input
        id={id}
        type="datetime-local"
        required
        value={value}
        aria-invalid={wrong}
        aria-describedby={`${id}-about`}
        onInput={(input) => onValue(input.currentTarget.value)}
      />
      <p class={wrong ? "wrong" : "hint"} id={`${id}-about`} role={wrong ? "alert" : undefined}>
        {wrong ? (problem?.detail ?? problem?.title) : at === null ? "" : `At the venue: ${shortDayText(at, event.time_zone)}, ${timeText(at, event.time_zone)}`}
      </p>
    </div>
  );
}

function SetUp({ event, done }: { event: Event; done(): void }) {
  const action = useAction();
  const [opensAt, setOpensAt] = useState("");
  const [rate, setRate] = useState("10");
  const submit = (): void => {
    void action.run(async () => {
      await write("PUT", roomPath(event.event_id), { opens_at: momentOf(opensAt), passes_per_second_max: Number(rate) });
      done();
    });
  };
  return (
    <form
      class="form"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        submit();
      }}
    >
      <p>
        With a waiting room, buyers take a number and are let in at a pace that the shop can take. The order of those who come before
        the opening is drawn by lot; who comes later follows in the order of arrival.
      </p>
      <OpensAt event={event} value={opensAt} problem={action.problem} onValue={setOpensAt} />
      <Rate value={rate} problem={action.problem} onValue={setRate} />
      <ProblemNote problem={action.problem} />
      <button type="submit" class="button" disabled={action.busy || opensAt === ""}>
        {action.busy ? "Setting up…" : "Set up a waiting room"}
      </button>
    </form>
  );
}

export function RoomControl({ event, steers }: { event: Event; steers: boolean }) {
  const { value, problem, reload, samples } = useRoom(event.event_id);
  return (
    <section class="control" aria-labelledby="room">
      <h2 id="room">
        Waiting room
        {value !== null && <span class={`room-state ${value.state}`}>{value.reason === "ended" ? "Ended" : STATES[value.state]}</span>}
      </h2>
      {value === null && problem === null && <Waiting what="Looking into the room" />}
      {problem !== null && problem.status !== 404 && <ProblemNote problem={problem} again={reload} />}
      {problem?.status === 404 &&
        (steers ? <SetUp event={event} done={reload} /> : <p>This event has no waiting room.</p>)}
      {value !== null && (
        <>
          {value.state === "before" && (
            <p>
              Opens on {shortDayText(value.settings.opens_at, event.time_zone)}, {timeText(value.settings.opens_at, event.time_zone)}
            </p>
          )}
          <Figures room={value} samples={samples} />
          {steers && !value.settings.ended && (
            <Steering event={event} settings={value.settings} changed={reload} />
          )}
        </>
      )}
    </section>
  );
}
