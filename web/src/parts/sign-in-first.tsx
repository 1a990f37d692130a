/** A page that is for people who are signed in. */
import type { ComponentChildren } from "preact";
import { session } from "../api/session.ts";
import { signInPath } from "../router.ts";
import { useStore } from "../store.ts";
import { Page, Waiting } from "./page.tsx";

interface SignInFirstProps {
  title: string;
  why: string;
  children: ComponentChildren;
}

/** Shows its children to who is signed in, and the way there to others. */
export function SignInFirst({ title, why, children }: SignInFirstProps) {
  const { state } = useStore(session);
  if (state === "in") return <>{children}</>;
  return (
    <Page title={title} narrow>
      {state === "unknown" ? (
        <Waiting what="One moment" />
      ) : (
        <>
          <p>{why}</p>
          <a class="button" href={signInPath()}>
            Sign in
          </a>
        </>
      )}
    </Page>
  );
}
