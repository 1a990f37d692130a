/** A value that pages share and are drawn anew for. */
import { useEffect, useState } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function makeStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.get());
  useEffect(() => {
    const update = (): void => setValue(store.get());
    update();
    return store.subscribe(update);
  }, [store]);
  return value;
}

/* JSON in a storage of the browser. One that refuses storage only forgets sooner; it may refuse by the mere mention. */
function storedIn(storage: () => Storage) {
  return {
    read<T>(key: string): T | null {
      try {
        const text = storage().getItem(key);
        return text === null ? null : (JSON.parse(text) as T);
      } catch {
        return null;
      }
    },
    write(key: string, value: unknown): void {
      try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, JSON.stringify(value));
      } catch {
        // Private windows of some browsers have no storage: the tab then lasts until it is loaded again.
      }
    },
  };
}

/** What ends with the tab. */
export const tabStorage = storedIn(() => sessionStorage);

/** What this browser keeps, for all tabs. */
export const browserStorage = storedIn(() => localStorage);
