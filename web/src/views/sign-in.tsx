/** Signing in, and signing up. */
import { useState } from "preact/hooks";
import { write } from "../api/http.ts";
import { useAction } from "../api/loading.ts";
import { signIn } from "../api/session.ts";
import { Field, isAbout } from "../parts/field.tsx";
import { Page } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { navigate, onwardPath } from "../router.ts";

interface SignInProps {
  query: URLSearchParams;
  isNew: boolean;
}

const NAMED_BY_FIELDS = ["email", "password", "name"];

export function SignInView({ query, isNew }: SignInProps) {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { busy, problem, run } = useAction();
  const submit = (form: SubmitEvent): void => {
    form.preventDefault();
    void run(async () => {
      if (isNew) await write("POST", "/v1/people", { email, password, name });
      await signIn(email, password);
      navigate(onwardPath(query), true);
    });
  };
  const shownByField = NAMED_BY_FIELDS.some((field) => isAbout(problem, field));
  const other = `${isNew ? "/sign-in" : "/sign-up"}?${query.toString()}`;
  return (
    <Page key={isNew ? "up" : "in"} title={isNew ? "Sign up" : "Sign in"} narrow>
      <form class="card form" onSubmit={submit}>
        {isNew && <Field label="Name" name="name" autocomplete="name" value={name} problem={problem} onValue={setName} />}
        <Field label="E-mail address" name="email" type="email" autocomplete="username" value={email} problem={problem} onValue={setEmail} />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete={isNew ? "new-password" : "current-password"}
          value={password}
          problem={problem}
          onValue={setPassword}
          {...(isNew ? { hint: "At least 10 characters." } : {})}
        />
        <ProblemNote problem={shownByField ? null : problem} />
        <button class="button wide" disabled={busy}>
          {busy ? "One moment…" : isNew ? "Sign up" : "Sign in"}
        </button>
      </form>
      <p>
        {isNew ? "You have an account? " : "New here? "}
        <a href={other}>{isNew ? "Sign in" : "Sign up"}</a>
      </p>
    </Page>
  );
}
