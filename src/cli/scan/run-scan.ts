import { join } from "node:path";
import { WeightmarkError } from "../../errors.ts";
import { scanSummaryReport } from "../../report/scan/build.ts";
import type { ScanExport } from "../../report/scan/export.ts";
import type { ScanItem, ScanSummary } from "../../scan/index.ts";
import { reportInFlags } from "../advice.ts";
import { exitCodeOf, worseExitCode } from "../exit-codes.ts";
import { onInterrupt } from "../interrupt.ts";
import { ifThere, mapStrings } from "../redact.ts";
import { print } from "../session.ts";
import { useColour } from "../terminal.ts";
import { createConsole, type ScanConsole } from "./console.ts";
import { scanExitCode } from "./exit-code.ts";
import type { ScanFormat, ScanOptions } from "./options.ts";
import { scanPieces, scanPrinter } from "./output.ts";
import { type PreparedScan, prepare } from "./prepare.ts";
import { type Redaction, redactionOf } from "./redaction.ts";
import { resultFiles, writeResultFiles } from "./result-files.ts";
import { openResultPlace, type ResultPlace } from "./result-place.ts";

/** How a scan ended. */
export interface ScanEnd {
  readonly exitCode: number;
  /** Why a result file was not written, to be told after all else; null when all were. */
  readonly refusal: WeightmarkError | null;
}

/** Runs a scan to its end, or to the first signal. */
export async function runScan(roots: readonly string[], options: ScanOptions): Promise<ScanEnd> {
  const prepared = await prepare(roots, options);
  try {
    const { gateWaitMs } = await import("../../bytes/http/shared-gate.ts");
    const journal = await journalOf(prepared, options);
    const format: ScanFormat = options.format ?? (options.json ? "json" : "text");
    const named = [...roots, ...(options.allowLinks ?? [])];
    const files = resultFiles(options, format, named, pathsOf(prepared, options, journal));
    const place = await openResultPlace(prepared, options, journal);
    const redaction = redactionOf(options, [...named, ...(journal === null ? [] : [journal]), ...secretsOf(options)]);
    const stderr = createConsole(options, redaction, () => gateWaitMs(prepared.setup.gate));
    try {
      for (const warning of prepared.warnings) stderr.trouble(warning);
      return await scanInto(place, prepared, { options, format, files, stderr, redaction });
    } finally {
      stderr.end();
      await place.close();
    }
  } finally {
    await prepared.close();
  }
}

/** Where results are kept while the scan runs; null where a database keeps them. */
async function journalOf({ parameters }: PreparedScan, options: ScanOptions): Promise<string | null> {
  if (options.database !== undefined) return null;
  const { defaultJournalPath } = await import("../../scan/index.ts");
  return options.journal ?? defaultJournalPath(parameters);
}

/** What a scan reads and keeps beside the models: no result may take its place. */
function pathsOf({ setup }: PreparedScan, options: ScanOptions, journal: string | null): string[] {
  const kept = [setup.registry, setup.keys?.directory, setup.cacheDirectory, journal, options.list];
  return kept.filter((path) => typeof path === "string" && !/^postgres(?:ql)?:/i.test(path)) as string[];
}

/** What warnings name. */
function secretsOf({ watermarkKeys, passphraseFile }: ScanOptions): string[] {
  // A key is a file in the directory.
  const keys = watermarkKeys === undefined ? undefined : join(watermarkKeys, "key");
  return [keys, passphraseFile].filter((path) => path !== undefined);
}

interface Printing {
  readonly options: ScanOptions;
  readonly format: ScanFormat;
  readonly files: ReturnType<typeof resultFiles>;
  readonly stderr: ScanConsole;
  readonly redaction: Redaction;
}

/**
 * Prints items as they end where the format can be printed so, everything else when the scan is over: the files first, so
 * that no summary tells of an end that they did not come to.
 */
async function scanInto(place: ResultPlace, prepared: PreparedScan, printing: Printing): Promise<ScanEnd> {
  const { options, format, files, stderr, redaction } = printing;
  const startedAt = options.deterministic ? null : new Date().toISOString();
  const { version } = prepared.setup;
  const started = { version, startedAt, finishedAt: null };
  const onStdout = options.output === undefined;
  const isLive = onStdout && !options.deterministic;
  const printer = isLive ? scanPrinter(started, format, useColour()) : null;

  const summary = await performScan(place, stderr, async (item) => {
    stderr.item(item);
    if (printer === null) return;
    stderr.clear();
    await print(printer.item(reportInFlags(redaction.about(item))));
  });

  const run = { ...started, finishedAt: startedAt === null ? null : new Date().toISOString() };
  const question = { ...prepared, listing: prepared.remote.client.counters };
  const resultOf = (exitCode: number): ScanExport => ({
    run,
    summary: mapStrings(scanSummaryReport(run, question, summary, exitCode), redaction.text),
    items: async function* () {
      for await (const item of place.store.items()) yield reportInFlags(redaction.about(item));
    },
    policies: options.failOn,
    endpoint: prepared.setup.remote.endpoint,
    // Nothing is completed to a whole path where paths are to be hidden.
    root: options.redactPaths ? null : (ifThere(process.cwd)[0] ?? null),
  });
  const { exitCode, refusals } = await writeAll(files, resultOf, scanExitCode(summary, options.failOn), options);
  const [refusal = null, ...others] = refusals;
  for (const other of others) stderr.trouble(other);
  stderr.clear();
  const result = resultOf(exitCode);
  if (printer !== null) await print(printer.summary(result.summary));
  else if (onStdout) for await (const piece of scanPieces(result, format, useColour())) await print(piece);
  stderr.finished(summary, exitCode);
  return { exitCode, refusal };
}

/** Writes the result files, and the exit code that comes of it. */
async function writeAll(
  files: Printing["files"],
  resultOf: (exitCode: number) => ScanExport,
  wanted: number,
  { force = false }: ScanOptions,
): Promise<{ readonly exitCode: number; readonly refusals: readonly WeightmarkError[] }> {
  const { written, refusals } = await writeResultFiles(files, resultOf(wanted), force);
  const exitCode = refusals.map(({ code }) => exitCodeOf(code)).reduce(worseExitCode, wanted);
  // Those that were written told of another end.
  if (exitCode === wanted) return { exitCode, refusals };
  const again = await writeResultFiles(written, resultOf(exitCode), true);
  return { exitCode, refusals: [...refusals, ...again.refusals] };
}

/** Milliseconds after which nobody waits any more for a database that does not answer: every result that counts is durable. */
const STOPPING_MS = 5000;

/** The scan itself, ended by the first signal. */
async function performScan(
  place: ResultPlace,
  stderr: ScanConsole,
  onItem: (item: ScanItem) => Promise<void>,
): Promise<ScanSummary> {
  const stop = new AbortController();
  const forget = onInterrupt(() => {
    stderr.interrupted();
    stop.abort();
  }, STOPPING_MS);
  // Whatever ends the process from here on, such as a reader of stdout that goes away: the scan is incomplete.
  process.exitCode = 5;
  try {
    const { progress: onProgress, event: onEvent, trouble: onTrouble } = stderr;
    return await place.run({ signal: stop.signal, onItem, onProgress, onEvent, onTrouble });
  } catch (error) {
    throw explained(error);
  } finally {
    process.exitCode = undefined;
    forget();
  }
}

/** A journal that takes no more results ends the scan, but not what was done: with room on the disk it goes on. */
function explained(error: unknown): unknown {
  if (!(error instanceof WeightmarkError) || error.code !== "WRITE_FAILED") return error;
  return new WeightmarkError("SCAN_INTERRUPTED", `results could not be kept any more: ${error.message}`, {
    file: error.file,
    detail: "Nothing that was stored is lost. Make room, and go on with --resume.",
    cause: error,
  });
}
