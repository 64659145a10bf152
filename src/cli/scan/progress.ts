import { formatBytes, formatCount, formatDuration } from "../../report/numbers.ts";
import { isTelling } from "../estimate.ts";

/** How far a scan is. Bytes and waits are of this run. */
export interface ScanState {
  /** Models with a result, those of earlier runs included. */
  readonly done: number;
  /** Models found so far; `listing` while there may be more. */
  readonly listed: number;
  readonly listing: boolean;
  readonly replayed: number;
  readonly failed: number;
  readonly bytes: number;
  /** Milliseconds that a server asks to wait, 0 when none does. */
  readonly waitMs: number;
}

export interface ScanProgressOptions {
  readonly stream: { write(text: string): unknown };
  /** A line redrawn in place; lines of their own otherwise. */
  readonly terminal: boolean;
  /** Milliseconds. */
  readonly now?: () => number;
}

export interface ScanProgress {
  update(state: ScanState): void;
  /** Takes the line away, before something else is printed or at the end; the next update draws it again. */
  clear(): void;
}

const REDRAW_MS = 100;
/** Lines are for logs: only what takes long leaves any. */
const LINE_MS = 5000;

/** Progress of a scan on stderr: models, rate, bytes, time left. */
export function createScanProgress(options: ScanProgressOptions): ScanProgress {
  const { stream, terminal, now = () => performance.now() } = options;
  const started = now();
  let shown = terminal ? Number.NEGATIVE_INFINITY : started;
  let drawn = false;
  return {
    update(state) {
      const time = now();
      if (time - shown < (terminal ? REDRAW_MS : LINE_MS)) return;
      shown = time;
      const text = describe(state, (time - started) / 1000);
      stream.write(terminal ? `\r\u001b[K${text}` : `${text}\n`);
      drawn = true;
    },
    clear() {
      if (terminal && drawn) stream.write("\r\u001b[K");
      drawn = false;
      if (terminal) shown = Number.NEGATIVE_INFINITY;
    },
  };
}

function describe(state: ScanState, seconds: number): string {
  const { done, listed, listing, replayed, failed, bytes, waitMs } = state;
  const rate = seconds > 0 ? (done - replayed) / seconds : 0;
  const isKnown = !listing && isTelling(done - replayed, listed - replayed, seconds);
  const left = isKnown ? `, ${formatDuration((listed - done) / rate)} left` : "";
  const speed = rate > 0 ? `, ${rate.toPrecision(2)}/s` : "";
  const lost = failed === 0 ? "" : `, ${formatCount(failed, "failure")}`;
  const waiting = waitMs < 1000 ? "" : `, waiting ${formatDuration(waitMs / 1000)} for a rate limit`;
  const of = `${listed.toLocaleString("en-US")}${listing ? " so far" : ""}`;
  return `scanned ${done.toLocaleString("en-US")} of ${of} (${formatBytes(bytes)}${speed}${left}${lost}${waiting})`;
}
