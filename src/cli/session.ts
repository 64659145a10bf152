import { lstatSync, realpathSync, type Stats } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { WeightmarkError } from "../errors.ts";
import type { RunInfo } from "../report/build.ts";
import { escapeText, toJson } from "../report/escape.ts";
import type { SingleReport } from "../report/html/render-html.ts";
import { reportInFlags } from "./advice.ts";
import { documentOf } from "./document.ts";
import { warningText } from "./failure.ts";
import { withArchive } from "./inside.ts";
import type { LinkOptions } from "./local-models.ts";
import type { CommonOptions, Format } from "./options.ts";
import { isStandardOutput, requireFilePlace, requireNoStream } from "./output.ts";
import { createProgress, type Progress } from "./progress.ts";
import { mapStrings, memberRedactor, pathRedactor } from "./redact.ts";
import { placesIn } from "./redact-result.ts";
import { isAddress, sidesOf } from "./remote.ts";
import { isTerminal, useColour } from "./terminal.ts";
import { toolVersion } from "./version.ts";
import { namesFingerprint } from "./weight-names.ts";

/** One run of one command: how it talks, and where its result goes. */
export interface Session {
  /** Who made the result and when; call it when the result is there. */
  run(): RunInfo;
  /** A line on stderr with --verbose. */
  log(text: string): void;
  /** Lines on stderr without --quiet, about what deserves a look and stops nothing. */
  warn(warning: WeightmarkError): void;
  progress(label: string, unit: "bytes" | "readings" | "tokens"): Progress;
  /** Prints the result, or writes it to --output. */
  emit(report: SingleReport): Promise<void>;
  /** Prints pieces of a text as they are, or writes them to --output when the last is there. */
  write(pieces: AsyncIterable<string>): Promise<void>;
}

/** How a command was told to print, also where reading its options failed. */
export function formatOf(options: Pick<CommonOptions, "json" | "format">): Format {
  return options.format ?? (options.json ? "json" : "text");
}

/**
 * Throws OUTPUT_IS_INPUT when `output` is one of `inputs`, by whatever name. With `force` also when it is there and lies in
 * one of them: what stands in a model's or a registry's directory belongs to it, a fingerprint put beside the weights excepted.
 */
export function requireOtherFile(output: string, inputs: readonly string[], force = false): void {
  // The output itself may be a link, which would be replaced, not followed.
  const place = join(real(dirname(output)), basename(output));
  const replaced = force && !namesFingerprint(place) && entryAt(output) !== undefined;
  const paths = inputs
    .flatMap(sidesOf)
    .flatMap(withArchive)
    .filter((input) => !isAddress(input));
  if (paths.some((input) => real(input) === real(output) || (replaced && place.startsWith(real(input) + sep)))) {
    throw new WeightmarkError("OUTPUT_IS_INPUT", "the output is one of the inputs, or a file in one of them", {
      file: output,
      detail: "Write it somewhere else.",
    });
  }
}

/** What stands under the name of an output, a link as itself. Throws WRITE_FAILED where that cannot be asked. */
export function entryAt(output: string, look: typeof lstatSync = lstatSync): Stats | undefined {
  try {
    return look(output, { throwIfNoEntry: false });
  } catch (cause) {
    // Names that are too long, links in a circle, a file where a directory would have to be.
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = `${basename(output)} could not be written (${code ?? message})`;
    throw new WeightmarkError("WRITE_FAILED", why, { file: output, cause });
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** `named` are the paths of the command line: what --redact-paths hides and --output must not overwrite. */
export function openSession(
  options: CommonOptions & LinkOptions,
  named: readonly string[],
  ownOutput = false,
): Session {
  const paths = [...named.flatMap(withArchive), ...(options.allowLinks ?? [])];
  const startedAt = options.deterministic ? null : new Date().toISOString();
  const redact = options.redactPaths ? pathRedactor(paths) : (text: string) => text;
  const { output } = options;
  if (ownOutput && output !== undefined) requireNoStream(output);
  const resultFile = ownOutput || output === undefined || isStandardOutput(output) ? undefined : output;
  if (resultFile !== undefined) {
    requireOtherFile(resultFile, paths, options.force);
    requireFilePlace(resultFile);
  }
  return {
    run: () => ({
      version: toolVersion(),
      startedAt,
      finishedAt: startedAt === null ? null : new Date().toISOString(),
    }),
    log(text) {
      if (options.verbose && !options.quiet) process.stderr.write(`${escapeText(redact(text))}\n`);
    },
    warn(warning) {
      if (!options.quiet) process.stderr.write(warningText(warning, redact));
    },
    progress(label, unit) {
      if (options.quiet || options.progress === false) return { update() {}, end() {} };
      const terminal = isTerminal(process.stderr);
      return createProgress({ label: escapeText(redact(label)), unit, stream: process.stderr, terminal });
    },
    async emit(report) {
      const said = reportInFlags(report);
      const shown = options.redactPaths ? mapStrings(mapStrings(said, redact), memberRedactor(placesIn(said))) : said;
      const text = await render(shown, formatOf(options), resultFile === undefined && useColour());
      if (resultFile === undefined) return print(text);
      const { writeFileAtomic } = await import("../bytes/atomic-file.ts");
      await writeFileAtomic(resultFile, Buffer.from(text), { overwrite: options.force });
    },
    async write(pieces) {
      if (resultFile === undefined) {
        for await (const piece of pieces) await print(piece);
        return;
      }
      const { writeFileAtomic } = await import("../bytes/atomic-file.ts");
      const { encodePieces } = await import("../report/scan/export.ts");
      await writeFileAtomic(resultFile, encodePieces(pieces), { overwrite: options.force });
    },
  };
}

async function render(report: SingleReport, format: Format, colour: boolean): Promise<string> {
  if (format === "html") return (await import("../report/html/render-html.ts")).renderHtml(report);
  if (format === "sarif" || format === "cyclonedx") return joined(await documentOf(format, [{ report, file: null }]));
  if (format !== "text") return `${toJson(report, format === "json" ? 2 : 0)}\n`;
  const { renderText } = await import("../report/text/render-text.ts");
  return renderText(report, { colour });
}

async function joined(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

/** Waits until stdout has taken it: a pipe takes 64 kB at a time. Throws WRITE_FAILED, on a full disk for one. */
export async function print(text: string): Promise<void> {
  const error = await new Promise<NodeJS.ErrnoException | null | undefined>((done) => {
    process.stdout.write(text, done);
  });
  if (!error || error.code === "EPIPE") return;
  const message = `the result could not be written to standard output (${error.code ?? error.message})`;
  throw new WeightmarkError("WRITE_FAILED", message, { cause: error });
}
