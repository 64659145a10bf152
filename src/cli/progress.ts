import { formatBytes, formatDuration } from "../report/numbers.ts";
import { createEstimate, type Measured } from "./estimate.ts";

export interface ProgressOptions {
  /** What is being done, escaped. */
  readonly label: string;
  readonly unit: "bytes" | "readings" | "tokens";
  readonly stream: { write(text: string): unknown };
  /** A bar redrawn in place; lines otherwise. */
  readonly terminal: boolean;
  /** Milliseconds. */
  readonly now?: () => number;
}

export interface Progress {
  update(done: number, total: number): void;
  /** Takes the bar away. */
  end(): void;
}

const REDRAW_MS = 100;
/** Lines are for logs: only work that takes long leaves any. */
const LINE_MS = 5000;
const BAR_WIDTH = 24;

/** Progress on stderr, with rate and time left. */
export function createProgress(options: ProgressOptions): Progress {
  const { label, stream, terminal, now = () => performance.now() } = options;
  const estimate = createEstimate();
  let shown = terminal ? Number.NEGATIVE_INFINITY : now();
  let drawn = false;
  return {
    update(done, total) {
      const time = now();
      const measured = estimate(done, total, time / 1000);
      if (time - shown < (terminal ? REDRAW_MS : LINE_MS)) return;
      shown = time;
      const text = describe(done, total, measured, options.unit);
      const filled = Math.round((BAR_WIDTH * done) / Math.max(total, 1));
      const bar = `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}]`;
      stream.write(terminal ? `\r\u001b[K${label} ${bar} ${text}` : `${label}: ${text}\n`);
      drawn = true;
    },
    end() {
      if (terminal && drawn) stream.write("\r\u001b[K");
      drawn = false;
    },
  };
}

function describe(done: number, total: number, measured: Measured, unit: ProgressOptions["unit"]): string {
  const amount = (value: number) => (unit === "bytes" ? formatBytes(value) : value.toLocaleString("en-US"));
  const { rate } = measured;
  const left = measured.left === null ? "" : `, ${formatDuration(measured.left)} left`;
  const speed = unit === "bytes" && rate > 0 ? `, ${formatBytes(Math.round(rate))}/s` : "";
  return `${Math.floor((100 * done) / Math.max(total, 1))} % (${amount(done)} of ${amount(total)}${speed}${left})`;
}
