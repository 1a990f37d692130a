/** An organiser's API keys: made, renamed, given another secret, revoked; with their usage and the plan. */
import { useState } from "preact/hooks";
import { get, write } from "../api/http.ts";
import { useAction, useLoaded } from "../api/loading.ts";
import { session } from "../api/session.ts";
import type { ApiKey, Membership, NewApiKey, Page as Listed } from "../api/types.ts";
import { Choice } from "../parts/choice.tsx";
import { useOrganiser } from "../parts/choose-organiser.tsx";
import { Field } from "../parts/field.tsx";
import { Page, Waiting } from "../parts/page.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { SignInFirst } from "../parts/sign-in-first.tsx";
import { keysOf } from "../roles.ts";
import { useStore } from "../store.ts";
import { KeysPlan } from "./keys-plan.tsx";
import { KeysUsage } from "./keys-usage.tsx";

const SCOPES: Record<string, string> = {
  "catalog:read": "See events",
  "catalog:write": "Change events",
  "notifications:read": "See mails",
  "orders:read": "See orders",
  "payments:read": "See payments",
  "reporting:read": "See sales",
  "reservations:read": "See places",
  "reservations:write": "Steer sales",
  "tickets:read": "See tickets",
  "tickets:write": "Admit people",
};
const ROLE_NAMES: Record<string, string> = { manager: "Manager", box_office: "Box office", scanner: "Scanner" };

/** The text of a key, which nobody is shown again. */
function Shown({ made, done }: { made: NewApiKey; done(): void }) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    // A browser may refuse; the text can be selected all the same.
    void navigator.clipboard.writeText(made.api_key).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <div class="note key-text" role="status">
      <p>
        <strong>{made.name}</strong>: copy the key now. It is shown this once.
      </p>
      <code class="breakable">{made.api_key}</code>
      <div class="actions">
        <button type="button" class="button" onClick={copy}>
          {copied ? "Copied" : "Copy"}
        </button>
        <button type="button" class="plain" onClick={done}>
          I have it
        </button>
      </div>
    </div>
  );
}

function Make({ membership, made }: { membership: Membership; made(key: NewApiKey): void }) {
  const action = useAction();
  const [name, setName] = useState("");
  const [role, setRole] = useState("box_office");
  const [scopes, setScopes] = useState<string[]>(["reporting:read"]);
  const roles = Object.keys(ROLE_NAMES).filter((one) => membership.role === "owner" || one !== "manager");
  const toggle = (scope: string): void => {
    setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope]);
  };
  const submit = (): void => {
    void action.run(async () => {
      const body = { name: name.trim(), role, scopes };
      made(await write<NewApiKey>("POST", `/v1/organisers/${membership.organiser_id}/api-keys`, body));
      setName("");
    });
  };
  return (
    <form
      class="form card"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        submit();
      }}
    >
      <h3>Another key</h3>
      <Field label="Name" name="name" value={name} hint="Where it is used: website, kiosk, accounting." problem={action.problem} onValue={setName} />
      <Choice label="Role" value={role} options={roles.map((one) => ({ value: one, label: ROLE_NAMES[one] ?? one }))} onValue={setRole} />
      <fieldset class="scopes">
        <legend>What it may do</legend>
        {Object.entries(SCOPES).map(([scope, label]) => (
          <label key={scope}>
            <input type="checkbox" checked={scopes.includes(scope)} onChange={() => toggle(scope)} /> {label}
          </label>
        ))}
      </fieldset>
      <ProblemNote problem={action.problem} />
      <button type="submit" class="button" disabled={action.busy || scopes.length === 0}>
        {action.busy ? "Making…" : "Make key"}
      </button>
    </form>
  );
}

interface RowProps {
  apiKey: ApiKey;
  membership: Membership;
  changed(made?: NewApiKey): void;
}

function Row({ apiKey, membership, changed }: RowProps) {
  const action = useAction();
  const path = `/v1/organisers/${membership.organiser_id}/api-keys/${apiKey.api_key_id}`;
  const keeps = membership.role === "owner" || apiKey.role !== "manager";
  const rename = (): void => {
    const name = window.prompt("The key's name", apiKey.name)?.trim();
    if (!name || name === apiKey.name) return;
    void action.run(async () => {
      await write("PATCH", path, { name }, { "If-Match": `"${apiKey.version}"` });
      changed();
    });
  };
  const rotate = (): void => {
    if (!window.confirm(`Give ${apiKey.name} another secret? The one it has is good for a day more.`)) return;
    void action.run(async () => changed(await write<NewApiKey>("POST", `${path}/rotation`, {})));
  };
  const revoke = (): void => {
    if (!window.confirm(`Revoke ${apiKey.name}? It stays revoked. Tokens it was exchanged for end within ten minutes.`)) return;
    void action.run(async () => {
      await write("DELETE", path);
      changed();
    });
  };
  return (
    <li class="key-row">
      <span>
        <strong class="breakable">{apiKey.name}</strong>{" "}
        <span class="quiet small">
          {ROLE_NAMES[apiKey.role] ?? apiKey.role}: {apiKey.scopes.map((scope) => SCOPES[scope] ?? scope).join(", ")}
        </span>
        <code class="quiet small breakable">{apiKey.prefix}…</code>
        <ProblemNote problem={action.problem} />
      </span>
      {apiKey.revoked_at !== null && <span class="quiet">revoked</span>}
      {apiKey.revoked_at === null && keeps && (
        <span class="actions">
          <button type="button" class="plain" disabled={action.busy} aria-label={`Rename ${apiKey.name}`} onClick={rename}>
            Rename
          </button>
          <button type="button" class="plain" disabled={action.busy} aria-label={`New secret for ${apiKey.name}`} onClick={rotate}>
            New secret
          </button>
          <button type="button" class="plain" disabled={action.busy} aria-label={`Revoke ${apiKey.name}`} onClick={revoke}>
            Revoke
          </button>
        </span>
      )}
    </li>
  );
}

function Keys({ membership }: { membership: Membership }) {
  const [shown, setShown] = useState<NewApiKey | null>(null);
  const address = `/v1/organisers/${membership.organiser_id}/api-keys?limit=100`;
  const { value, problem, reload } = useLoaded(() => get<Listed<ApiKey>>(address), [address]);
  const changed = (made?: NewApiKey): void => {
    if (made !== undefined) setShown(made);
    reload();
  };
  const keys = value?.items ?? [];
  const ordered = [...keys.filter((one) => one.revoked_at === null), ...keys.filter((one) => one.revoked_at !== null)];
  return (
    <section class="control" aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <p class="quiet">
        A key lets a program in, in the organiser's name: it is exchanged for a token of ten minutes. <a href="/docs">How to use it</a>.
      </p>
      {shown !== null && <Shown key={shown.api_key} made={shown} done={() => setShown(null)} />}
      <ProblemNote problem={problem} again={reload} />
      {value === null && problem === null && <Waiting what="Looking up the keys" />}
      {value !== null && keys.length === 0 && <p>There are no keys yet.</p>}
      <ul class="rows">
        {ordered.map((one) => (
          <Row key={one.api_key_id} apiKey={one} membership={membership} changed={changed} />
        ))}
      </ul>
      <Make membership={membership} made={changed} />
    </section>
  );
}

function KeysPage() {
  const { me } = useStore(session);
  const { membership, choice } = useOrganiser(keysOf(me));
  return (
    <Page title="API keys" over={membership && <p class="over">{membership.organiser_name}</p>}>
      {membership === undefined && <p>API keys are for an organiser's owners and managers. You are none of these.</p>}
      {choice}
      {membership !== undefined && (
        <div class="key-page" key={membership.organiser_id}>
          <KeysUsage membership={membership} />
          <Keys membership={membership} />
          <KeysPlan membership={membership} />
        </div>
      )}
    </Page>
  );
}

export function KeysView() {
  return (
    <SignInFirst title="API keys" why="Sign in as an owner or manager of the organiser to see its API keys.">
      <KeysPage />
    </SignInFirst>
  );
}
