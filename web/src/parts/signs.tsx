/** Signs that stand beside words which say the same. */

/** A wheelchair place. */
export function WheelchairSign() {
  return (
    <svg class="sign" viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
      <circle cx="10" cy="4" r="2.3" fill="currentColor" />
      <path d="M10 7.5v6h6l3 6M10 10h5" />
      <path d="M7.5 12.2a5 5 0 1 0 7 6.6" />
    </svg>
  );
}

/** A seat for who comes along. */
export function CompanionSign() {
  return (
    <svg class="sign" viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
      <circle cx="12" cy="6" r="3.4" fill="currentColor" />
      <path d="M5 20c0-5 3-7.5 7-7.5s7 2.5 7 7.5z" fill="currentColor" />
    </svg>
  );
}
