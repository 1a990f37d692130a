/** Addresses of pages. The server answers index.html for all of them; what is shown is decided here. */
import { makeStore } from "./store.ts";

export interface Location {
  path: string;
  query: URLSearchParams;
}

function here(): Location {
  return { path: window.location.pathname.replace(/(.)\/+$/, "$1"), query: new URLSearchParams(window.location.search) };
}

export const location = makeStore<Location>(here());

export function navigate(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  location.set(here());
  window.scrollTo(0, 0);
}

/** Gives the page that is shown another address, without a step in the history: it stays where it is. */
export function rename(to: string): void {
  history.replaceState(null, "", to);
  location.set(here());
}

/** Lets ordinary links of the pages change the page without loading it anew; all others stay the browser's. */
export function followLinks(): void {
  window.addEventListener("popstate", () => location.set(here()));
  document.addEventListener("click", (click) => {
    if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    const link = (click.target as Element | null)?.closest("a");
    const to = link?.getAttribute("href");
    if (!link || !to?.startsWith("/") || to.startsWith("/v1/") || link.hasAttribute("download") || link.target !== "") return;
    click.preventDefault();
    navigate(to);
  });
}

/** Where to go on after signing in: a path of ours, never another site's. */
export function onwardPath(query: URLSearchParams): string {
  const to = query.get("to") ?? "/";
  return /^\/(?![/\\])/.test(to) ? to : "/";
}

export function signInPath(): string {
  return `/sign-in?to=${encodeURIComponent(window.location.pathname + window.location.search)}`;
}
