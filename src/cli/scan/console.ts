import type { WeightmarkError } from "../../errors.ts";
import type { ScanItem, ScanProgress, ScanSummary, WorkEvent } from "../../scan/index.ts";
import { isTerminal } from "../terminal.ts";
import { createLog, type LogLevel } from "./log.ts";
import type { ScanOptions } from "./options.ts";
import { createScanProgress, type ScanState } from "./progress.ts";
import type { Redaction } from "./redaction.ts";

/** What a scan says on stderr while it runs: progress and a log. */
export interface ScanConsole {
  readonly progress: (progress: ScanProgress) => void;
  readonly event: (event: WorkEvent) => void;
  readonly trouble: (error: WeightmarkError) => void;
  item(item: ScanItem): void;
  interrupted(): void;
  finished(summary: ScanSummary, exitCode: number): void;
  /** Takes the progress away, before something is printed on the same terminal. */
  clear(): void;
  end(): void;
}

/** Nothing ends while a server asks to wait: then the progress is shown anew all the same. */
const TICK_MS = 1000;

/**
 * @param waitMs milliseconds that a server asks to wait
 */
export function createConsole(options: ScanOptions, redaction: Redaction, waitMs: () => number = () => 0): ScanConsole {
  const format = options.logFormat ?? "text";
  const stream = process.stderr;
  const isQuiet = options.quiet === true;
  const bar =
    isQuiet || options.progress === false || format === "json"
      ? null
      : createScanProgress({ stream, terminal: isTerminal(stream) });
  const clear = () => bar?.clear();
  let state: Omit<ScanState, "waitMs"> | null = null;
  const draw = () => {
    if (state !== null) bar?.update({ ...state, waitMs: waitMs() });
  };
  const ticking = bar === null ? null : setInterval(draw, TICK_MS).unref();
  const log = createLog({ format, stream, redact: redaction.text, level: levelOf(options), before: clear });
  let replayed: number | null = null;
  let failed = 0;
  return {
    progress({ listed, listedAll, finished, bytesRead }) {
      // What is finished before anything is listed comes from earlier runs.
      if (listed > 0) replayed ??= finished;
      const done = { done: finished, listed: Math.max(listed, finished), listing: !listedAll };
      state = { ...done, replayed: replayed ?? finished, failed, bytes: bytesRead };
      draw();
    },
    event(event) {
      if (event.type !== "taken" && event.type !== "released") return;
      const { id, location } = event.job.target;
      const { id: target } = redaction.about({ id, location });
      if (event.type === "taken") log.write("debug", "begun", { target, attempt: event.attempt });
      else log.write("info", "given back", { target });
    },
    trouble({ code, message, detail, file }) {
      log.write("warn", "trouble", { code, message, detail, file: file ?? null });
    },
    item(item) {
      const { id, status, verdict, failure, elapsedMs, bytesRead } = redaction.about(item);
      if (status === "failed") failed += 1;
      const outcome = { verdict, code: failure?.code ?? null, elapsed_ms: elapsedMs, bytes_read: bytesRead };
      log.write("info", "item", { target: id, status, ...outcome });
    },
    interrupted() {
      log.write("warn", "stopping", { message: "models that are being read may end; once more to stop at once" });
    },
    finished(summary, exitCode) {
      const { listed, failed: lost, skipped, complete, interrupted, elapsedMs } = summary;
      if (interrupted) log.write("warn", "interrupted", { message: "the same command with --resume goes on" });
      const counts = { listed, failed: lost, skipped, complete, exit_code: exitCode, elapsed_ms: elapsedMs };
      log.write("info", "finished", counts);
    },
    clear,
    end() {
      if (ticking !== null) clearInterval(ticking);
      clear();
    },
  };
}

/** A log for programs tells of every item; people are told what went wrong, unless they want more. */
function levelOf({ quiet, verbose, logFormat }: ScanOptions): LogLevel {
  if (quiet) return "error";
  if (verbose) return logFormat === "json" ? "debug" : "info";
  return logFormat === "json" ? "info" : "warn";
}
