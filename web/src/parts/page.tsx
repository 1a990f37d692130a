/** The frame of a page's content: its heading takes the focus, so that a screen reader says where one has come to. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

// On the very first page the browser's own focus is right.
let isFirstPage = true;

interface PageProps {
  title: string;
  over?: ComponentChildren;
  narrow?: boolean;
  children: ComponentChildren;
}

export function Page({ title, over, narrow, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus({ preventScroll: true });
    isFirstPage = false;
  }, []);
  useEffect(() => {
    document.title = title === "Stagedoor" ? title : `${title} · Stagedoor`;
  }, [title]);
  return (
    <main id="content" class={narrow ? "page narrow" : "page"}>
      {over}
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </main>
  );
}

export function Waiting({ what }: { what: string }) {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" />
      {what}
    </p>
  );
}
