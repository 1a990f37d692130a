/** Reading something for a page, with its failure and another try. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "./wire.ts";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  reload(): void;
}

/** Loads when a dependency changes; what an overtaken load brings is dropped. */
export function useLoaded<T>(load: () => Promise<T>, dependencies: readonly unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = useRef(0);
  const reload = useCallback(() => {
    const turn = (latest.current += 1);
    load().then(
      (loaded) => {
        if (turn !== latest.current) return;
        setValue(loaded);
        setProblem(null);
      },
      (thrown: unknown) => {
        if (turn === latest.current) setProblem(asProblem(thrown));
      },
    );
  }, dependencies);
  useEffect(() => {
    setValue(null);
    setProblem(null);
    reload();
    return () => {
      latest.current += 1;
    };
  }, [reload]);
  return { value, problem, reload };
}

export interface Action {
  busy: boolean;
  problem: Problem | null;
  run(act: () => Promise<void>): Promise<void>;
  clear(): void;
}

/** Something a button does: once at a time, and its refusal kept for showing. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const running = useRef(false);
  const run = useCallback(async (act: () => Promise<void>) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  return { busy, problem, run, clear: () => setProblem(null) };
}
