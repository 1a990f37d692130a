/** The fair queue before an on-sale: what one sees while waiting, and the door to the tickets when it is one's turn. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { Event, WaitingNumber, WaitingRoomStatus } from "../api/types.ts";
import { asProblem, type Problem, serverNow } from "../api/wire.ts";
import { minutesText, shortDayText, timeText } from "../dates.ts";
import { Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { signInPath } from "../router.ts";
import { useStore } from "../store.ts";
import { nextLook, numbers, passes, passFor, rankIn, roomStatus, takeNumber, takePass, waitText } from "../waiting-room.ts";

// While one has a Pass, the room only matters once that has run out.
const LOOK_WITH_PASS_MS = 30_000;

/** The status document, asked for again and again at a pace that suits how long there is to wait. */
function useStatus(eventId: string, ahead: number | null, hasPass: boolean): { status: WaitingRoomStatus | null; problem: Problem | null } {
  const [status, setStatus] = useState<WaitingRoomStatus | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let current = true;
    roomStatus(eventId).then(
      (read) => {
        if (!current) return;
        setStatus(read);
        setProblem(null);
      },
      (thrown: unknown) => current && setProblem(asProblem(thrown)),
    );
    return () => {
      current = false;
    };
  }, [eventId, turn]);
  useEffect(() => {
    const wait = hasPass ? LOOK_WITH_PASS_MS : status === null ? 5000 : nextLook(status, ahead, serverNow(), Math.random());
    const look = (): void => setTurn((count) => count + 1);
    const timer = setTimeout(look, wait);
    // A phone that wakes up wants to know at once: its timers have slept, too.
    const seen = (): void => {
      if (!document.hidden) look();
    };
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [status, problem, turn, hasPass]);
  return { status, problem };
}

function useSeconds(): number {
  const [now, setNow] = useState(serverNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function Opening({ event, opensAt }: { event: Event; opensAt: string }) {
  const left = Date.parse(opensAt) - useSeconds();
  return (
    <p class="opening">
      Tickets go on sale on {shortDayText(opensAt, event.time_zone)}, {timeText(opensAt, event.time_zone)}
      {left < 86_400_000 && (
        <strong class="big" role="timer" aria-live="off">
          {left >= 3_600_000 && `${Math.floor(left / 3_600_000)} h `}
          {left >= 3_600_000 ? `${Math.floor((left % 3_600_000) / 60_000)} min` : minutesText(left)}
        </strong>
      )}
    </p>
  );
}

function Joining({ event, late }: { event: Event; late: boolean }) {
  const { state } = useStore(session);
  const taking = useAction();
  return (
    <>
      <p>
        {late
          ? "Take a number and wait for your turn. Everybody is let in in the order of arrival."
          : "Take a number now. At the opening the order of everybody who has one is drawn by lot, so it makes no difference how early you come."}
      </p>
      <ProblemNote problem={taking.problem} />
      {state === "in" ? (
        <button
          type="button"
          class="button"
          disabled={taking.busy}
          onClick={() => void taking.run(() => takeNumber(event.event_id))}
        >
          {taking.busy ? "Taking a number…" : "Take a number"}
        </button>
      ) : (
        <a class="button" href={signInPath()}>
          Sign in to take a number
        </a>
      )}
      {state === "in" && <p class="quiet small">If you took one on another device, you get the same number here.</p>}
    </>
  );
}

function InLine({ ahead, first, status }: { ahead: number; first: number; status: WaitingRoomStatus }) {
  const wait = status.state === "open" ? waitText(ahead, status.passes_per_second) : null;
  const when = ahead === 0 ? "You are next" : wait === null ? "" : `Your turn comes in ${wait}`;
  return (
    <>
      <p class="ahead">
        <strong class="big">{ahead === 0 ? "Next" : ahead.toLocaleString("en-US")}</strong>
        {ahead === 0 ? "Nobody is before you" : ahead === 1 ? "person is before you" : "people are before you"}
      </p>
      <progress class="line" max={Math.max(1, first)} value={first - ahead} aria-label="Your way through the line" />
      {/* Said aloud only when the words change, and not with every person who leaves the line. */}
      <p class="when" role="status">
        {when}
      </p>
      <p class="quiet small">You can close this page and come back, on any device: the number belongs to your account.</p>
    </>
  );
}

/** People count from 1. */
function shownNumber(number: WaitingNumber): string {
  return (number.serial + 1).toLocaleString("en-US");
}

function HowItIsDrawn({ status, number, rank }: { status: WaitingRoomStatus; number: WaitingNumber; rank: number | null }) {
  return (
    <details class="drawn small">
      <summary>Is this fair?</summary>
      <p>
        Everybody who took a number before the opening is put in order by lot. The lot is a number, the seed, that nobody can know
        before the opening. It is then published, so that anybody can check the order; this page has worked your rank out by itself.
        Who comes later follows in the order of arrival.
      </p>
      <dl>
        <dt>Your number</dt>
        <dd>
          {shownNumber(number)}, taken {number.phase === "before" ? "before the opening" : "after the opening"} (counted from 0: {number.serial})
        </dd>
        <dt>Your rank</dt>
        <dd>{rank === null ? "drawn at the opening" : `${(rank + 1).toLocaleString("en-US")} (counted from 0: ${rank})`}</dd>
        <dt>Drawn</dt>
        <dd>{status.drawn === null ? "at the opening" : `${status.drawn.toLocaleString("en-US")} numbers`}</dd>
        <dt>Seed</dt>
        <dd class="breakable">{status.seed ?? "not drawn yet"}</dd>
      </dl>
    </details>
  );
}

const HALTS: Record<string, string> = {
  paused: "The sale is paused for the moment. Numbers are kept, and this page goes on by itself.",
  closed: "The waiting room is closed for a moment. Numbers are kept, and this page goes on by itself.",
};

/** Takes a Pass as soon as the number is served and somebody looks at the page. */
function useTurn(eventId: string, number: WaitingNumber | undefined, served: boolean): Problem | null {
  const taking = useAction();
  const pass = useStore(passes)[eventId];
  const good = pass !== undefined && passFor(eventId) !== null;
  const tried = useRef(0);
  useEffect(() => {
    if (!served || good || number === undefined || document.hidden || Date.now() - tried.current < 3000) return;
    tried.current = Date.now();
    void taking.run(() => takePass(eventId, number));
  });
  // The room as a whole may be a moment behind its status document: the next try is soon.
  return taking.problem?.slug === "not-served-yet" ? null : taking.problem;
}

/** Says in the tab's name that it is one's turn, for who looks at another one. */
function useCall(served: boolean): void {
  useEffect(() => {
    if (!served) return;
    const title = document.title;
    document.title = `Your turn · ${title}`;
    return () => {
      document.title = title;
    };
  }, [served]);
}

/** The rank of a number, as soon as there is one. */
function useRank(status: WaitingRoomStatus | null, number: WaitingNumber | undefined): number | null {
  const [rank, setRank] = useState<number | null>(null);
  useEffect(() => {
    if (status === null || number === undefined) return;
    let current = true;
    void rankIn(status, number).then((found) => current && setRank(found));
    return () => {
      current = false;
    };
  }, [status?.seed, number]);
  return rank;
}

function Numbered({ status, number, rank }: { status: WaitingRoomStatus; number: WaitingNumber; rank: number | null }) {
  const first = useRef<number | null>(null);
  const ahead = rank === null ? null : Math.max(0, rank - status.serving);
  if (ahead !== null) first.current ??= ahead;
  const served = rank !== null && rank < status.serving;
  const problem = useTurn(status.event_id, number, served);
  useCall(served);
  return (
    <>
      {rank === null && (
        <p role="status">
          You are in, with number <strong>{shownNumber(number)}</strong>. Your place in the line is drawn at the opening. You can close
          this page and come back, on any device.
        </p>
      )}
      {ahead !== null && !served && <InLine ahead={ahead} first={first.current ?? ahead} status={status} />}
      {served && (
        <>
          <p class="your-turn" role="status">
            It is your turn
          </p>
          <ProblemNote problem={problem} />
          {problem === null && <Waiting what="Letting you in" />}
        </>
      )}
      <HowItIsDrawn status={status} number={number} rank={rank} />
    </>
  );
}

interface RoomProps {
  event: Event;
  status: WaitingRoomStatus;
  number: WaitingNumber | undefined;
  rank: number | null;
}

function Room({ event, status, number, rank }: RoomProps) {
  const halt = HALTS[status.state];
  return (
    <section class="room card" aria-labelledby="room">
      <h2 id="room">Waiting room</h2>
      {status.notice && <p class="note">{status.notice}</p>}
      {halt !== undefined && (
        <p class="note" role="status">
          {halt}
        </p>
      )}
      {status.state === "before" && <Opening event={event} opensAt={status.opens_at} />}
      {number !== undefined && <Numbered status={status} number={number} rank={rank} />}
      {/* A closed room gives no numbers. */}
      {number === undefined && status.state !== "closed" && <Joining event={event} late={status.state !== "before"} />}
    </section>
  );
}

function PassNote({ expiresAt }: { expiresAt: string }) {
  const left = Date.parse(expiresAt) - useSeconds();
  return (
    <p class="note pass">
      It is your turn. Choose within{" "}
      <span class="countdown" role="timer" aria-live="off">
        {minutesText(left)}
      </span>
    </p>
  );
}

/** Shows what it is given to whoever has a Pass, and the waiting room to everybody else. */
export function BehindWaitingRoom({ event, children }: { event: Event; children: ComponentChildren }) {
  const pass = useStore(passes)[event.event_id];
  useSeconds();
  const good = pass !== undefined && passFor(event.event_id) !== null;
  const number = useStore(numbers)[event.event_id];
  const [ahead, setAhead] = useState<number | null>(null);
  const { status, problem } = useStatus(event.event_id, ahead, good);
  // What was chosen stays when a Pass runs out, until there is the next one.
  const wasIn = useRef(false);
  if (good) wasIn.current = true;
  const rank = useRank(status, number);
  useEffect(() => setAhead(rank === null || status === null ? null : Math.max(0, rank - status.serving)), [rank, status]);
  // Where there is no room, or one that is over for good, or nothing left to wait for, nobody needs a Pass.
  const isOver = problem?.status === 404 || status?.state === "sold_out" || (status?.state === "closed" && status.reason === "ended");
  const isIn = good || isOver;
  return (
    <>
      {good && !isOver && <PassNote expiresAt={pass.expires_at} />}
      {!isIn && status === null && (problem === null ? <Waiting what="Looking at the waiting room" /> : <ProblemNote problem={problem} />)}
      {!isIn && status !== null && <Room event={event} status={status} number={number} rank={rank} />}
      {(isIn || wasIn.current) && <div class={isIn ? "tickets" : "away"}>{children}</div>}
    </>
  );
}
