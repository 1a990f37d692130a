/** A labelled input that shows the refusal which names it. */
import type { TargetedInputEvent } from "preact";
import { useId } from "preact/hooks";
import type { Problem } from "../api/wire.ts";

interface FieldProps {
  label: string;
  name: string;
  type?: "text" | "email" | "password" | "number" | "date";
  /** Of numbers: whole ones from 1, unless it is said otherwise. */
  min?: number;
  max?: number;
  step?: number | "any";
  autocomplete?: string;
  value: string;
  hint?: string;
  required?: boolean;
  problem?: Problem | null;
  onValue(value: string): void;
}

/** Whether a problem speaks of this field of the body. */
export function isAbout(problem: Problem | null | undefined, name: string): boolean {
  return problem?.field === `$.${name}` || problem?.field === name;
}

export function Field({ label, name, type = "text", min = 1, max, step = 1, autocomplete, value, hint, required = true, problem, onValue }: FieldProps) {
  const id = useId();
  const wrong = isAbout(problem, name);
  const about = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ");
  const shared = {
    id,
    name,
    value,
    required,
    autoComplete: autocomplete ?? "off",
    "aria-invalid": wrong,
    "aria-describedby": about === "" ? undefined : about,
    onInput: (input: TargetedInputEvent<HTMLInputElement>) => onValue(input.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {type === "password" && <input type="password" {...shared} />}
      {type === "email" && <input type="email" autoCapitalize="none" {...shared} />}
      {type === "number" && <input type="number" min={min} max={max} step={step} {...shared} />}
      {type === "text" && <input type="text" {...shared} />}
      {type === "date" && <input type="date" {...shared} />}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`} role="alert">
          {problem?.detail ?? problem?.title}
        </p>
      )}
    </div>
  );
}
