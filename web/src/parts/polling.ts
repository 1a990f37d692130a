/** Asking again until something has come about. */
import { useEffect, useState } from "preact/hooks";

const OFTEN_TIMES = 10;
const SELDOM_TIMES = 60;

/** Milliseconds to wait before the next look; null when it is time to give up (after about eight minutes). */
function pause(times: number): number | null {
  if (times < OFTEN_TIMES) return 1000;
  if (times < OFTEN_TIMES + 30) return 3000;
  return times < OFTEN_TIMES + SELDOM_TIMES ? 13_000 : null;
}

/** Calls `look` while `wanted`, first each second and then less often. Answers whether it gave up, and a way to go on. */
export function usePolling(wanted: boolean, look: () => void): { gaveUp: boolean; goOn(): void } {
  const [times, setTimes] = useState(0);
  const wait = pause(times);
  useEffect(() => {
    if (!wanted || wait === null) return;
    const timer = setTimeout(() => {
      // A tab nobody looks at asks nothing, but comes back to it.
      if (!document.hidden) look();
      setTimes((count) => (document.hidden ? count : count + 1));
    }, wait);
    return () => clearTimeout(timer);
  });
  return { gaveUp: wanted && wait === null, goOn: () => setTimes(0) };
}
