/** A refusal, in the API's own words. */
import type { Problem } from "../api/wire.ts";

interface ProblemNoteProps {
  problem: Problem | null;
  again?: () => void;
}

export function ProblemNote({ problem, again }: ProblemNoteProps) {
  if (problem === null) return null;
  const trace = problem.status >= 500 ? problem.document["trace_id"] : undefined;
  return (
    <div class="note bad" role="alert">
      <p>
        <strong>{problem.title}</strong>
        {problem.detail !== undefined && <span class="detail">{problem.detail}</span>}
      </p>
      {trace !== undefined && <p class="quiet small">Trace {String(trace)}</p>}
      {again && (
        <button type="button" class="plain" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
