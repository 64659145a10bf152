import { availableParallelism } from "node:os";
import { WeightmarkError } from "../../errors.ts";
import { onInterrupt } from "../interrupt.ts";
import { pathRedactor } from "../redact.ts";
import { settingsOf } from "../remote.ts";
import { createLog, type LogLevel } from "../scan/log.ts";
import { toolVersion } from "../version.ts";
import { passphraseOf, type Warn } from "../watermark-key.ts";
import type { WorkerFlags } from "./flags.ts";
import { logEvent } from "./log-event.ts";

/** As `scan` has it: most of the time a model waits for the network. */
const TASKS_PER_THREAD = 4;
const DRAIN_SECONDS = 30;
/** To give back what was not done, milliseconds: a database that has gone away gives jobs back by itself. */
const STOPPING_MS = 5000;

/** Works until it is told to stop, or with --once until nothing waits. */
export async function work(flags: WorkerFlags): Promise<void> {
  const database = databaseOf(flags);
  const { defaultCacheDirectory, runWorker } = await import("../../scan/index.ts");
  const { watermarkKeys: keys, passphraseFile, registry = database, cacheDir } = flags;
  const cacheDirectory = flags.cache === false ? null : (cacheDir ?? defaultCacheDirectory());
  const paths = [keys, passphraseFile, registry, cacheDirectory].filter((path) => typeof path === "string");
  const redact = flags.redactPaths ? pathRedactor(paths) : (text: string) => text;
  const log = createLog({ format: flags.logFormat ?? "text", stream: process.stderr, level: levelOf(flags), redact });
  const warn: Warn = ({ code, message, file }) => log.write("warn", "trouble", { code, message, file: file ?? null });
  const passphrase = keys === undefined ? null : await passphraseOf(passphraseFile, "WEIGHTMARK_PASSPHRASE", warn);
  const stop = new AbortController();
  const drainMs = 1000 * (flags.drainTimeout ?? DRAIN_SECONDS);
  const forget = onInterrupt(() => stop.abort(), drainMs + STOPPING_MS);
  try {
    await runWorker({
      database,
      settings: {
        version: toolVersion(),
        registry,
        keys: keys === undefined ? null : { directory: keys, passphrase },
        cacheDirectory,
        remote: await settingsOf(flags),
        threads: flags.jobs ?? availableParallelism(),
        tasksPerThread: TASKS_PER_THREAD,
      },
      metrics: flags.metrics ?? null,
      drainMs,
      once: flags.once ?? false,
      signal: stop.signal,
      onEvent: (event) => logEvent(log, event),
    });
  } finally {
    forget();
  }
}

/** Command lines are seen by every user of a machine (CWE-214): a password belongs into the environment. */
function databaseOf({ database = process.env.WEIGHTMARK_DATABASE_URL }: WorkerFlags): string {
  if (database) return database;
  throw new WeightmarkError("USAGE", "no database is named", {
    detail: "Set WEIGHTMARK_DATABASE_URL, or say --database postgres://...",
  });
}

function levelOf({ quiet, verbose }: WorkerFlags): LogLevel {
  if (quiet) return "error";
  return verbose ? "debug" : "info";
}
