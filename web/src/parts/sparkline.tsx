/** A figure over the last minutes, as a line: what it is now stands beside it in words. */

const WIDTH = 300;
const HEIGHT = 56;

interface SparklineProps {
  name: string;
  values: number[];
  /** What is counted: of one, and of any other number. */
  unit: [string, string];
}

export function Sparkline({ name, values, unit }: SparklineProps) {
  const most = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(HEIGHT - 3 - (value / most) * (HEIGHT - 8)).toFixed(1)}`);
  const last = values[values.length - 1] ?? 0;
  return (
    <figure class="spark">
      <figcaption>
        <span class="quiet small">{name}</span>
        <strong>
          {last.toLocaleString("en-US", { maximumFractionDigits: 1 })} <span class="quiet small">{last === 1 ? unit[0] : unit[1]}</span>
        </strong>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {values.length > 1 && <polyline class="spark-line" points={points.join(" ")} />}
      </svg>
    </figure>
  );
}
