/** A labelled choice of one out of several. */
import { useId } from "preact/hooks";

interface ChoiceProps {
  label: string;
  value: string;
  options: { value: string; label: string }[];
  onValue(value: string): void;
}

export function Choice({ label, value, options, onValue }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(pick) => onValue(pick.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
