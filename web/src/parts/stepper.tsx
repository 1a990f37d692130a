/** How many of something, by thumb or by keyboard. */

interface StepperProps {
  label: string;
  value: number;
  max: number;
  onValue(value: number): void;
}

export function Stepper({ label, value, max, onValue }: StepperProps) {
  return (
    <div class="stepper" role="group" aria-label={label}>
      <button type="button" aria-label={`One ${label} less`} disabled={value <= 0} onClick={() => onValue(value - 1)}>
        −
      </button>
      <output aria-live="polite" aria-label={`${value} × ${label}`}>
        {value}
      </output>
      <button type="button" aria-label={`One ${label} more`} disabled={value >= max} onClick={() => onValue(value + 1)}>
        +
      </button>
    </div>
  );
}
