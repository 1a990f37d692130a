/** What is left of a hold. */
import { useEffect, useState } from "preact/hooks";
import { type Basket, millisecondsLeft } from "../basket.ts";
import { minutesText } from "../dates.ts";

/** Milliseconds left, anew every second; 0 when the hold has run out. */
export function useTimeLeft(held: Basket | null): number {
  const left = held === null ? 0 : Math.max(0, millisecondsLeft(held));
  const [, tick] = useState(0);
  const runs = left > 0;
  useEffect(() => {
    if (!runs) return;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [runs, held]);
  return left;
}

/** The time is said to screen readers when one comes to it, and not every second. */
export function Countdown({ left }: { left: number }) {
  return (
    <span class={left < 60_000 ? "countdown soon" : "countdown"} role="timer" aria-live="off">
      {minutesText(left)}
    </span>
  );
}
