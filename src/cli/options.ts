import { type Command, InvalidArgumentError, Option } from "commander";
import type { ReadingDepth, Verdict } from "../index.ts";
import type { RemoteOptions } from "./remote.ts";

/** Flags that every command knows. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly format?: Format;
  readonly output?: string;
  readonly force?: boolean;
  readonly deterministic?: boolean;
  readonly redactPaths?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly progress?: boolean;
}

/** Flags of the commands that read weights. */
export interface ReadingOptions extends RemoteOptions {
  readonly depth?: ReadingDepth;
  readonly deep?: boolean;
  readonly threads?: number;
  readonly maxBytes?: number;
  readonly timeout?: number;
}

const FORMATS = ["text", "json", "jsonl", "html"] as const;
/** Of results about a model. */
const EXPORTS = ["sarif", "cyclonedx"] as const;
export type Format = (typeof FORMATS)[number] | (typeof EXPORTS)[number];
/** What `report` makes of results. */
export const DOCUMENTS = ["html", ...EXPORTS] as const;

/** Verdicts that can be asked to fail, from the strongest claim down. */
export const FAIL_ON = ["identical", "recast", "derived", "shared-init"] as const satisfies readonly Verdict[];
export type FailOn = (typeof FAIL_ON)[number];

export function withCommon(
  command: Command,
  output = "write the result to FILE instead of stdout",
  formats: readonly Format[] = FORMATS,
): Command {
  return command
    .option("--json", "print JSON (same as --format json)")
    .addOption(new Option("--format <format>", "how to print the result").choices(formats))
    .option("-o, --output <file>", output)
    .option("--force", "replace an existing output file")
    .option("--deterministic", "leave out times: same input, same bytes")
    .option("--redact-paths", "print the last part of paths only")
    .option("--no-progress", "no progress on stderr")
    .option("-q, --quiet", "nothing on stderr but errors")
    .option("-v, --verbose", "say more on stderr");
}

/** Flags of a command whose result is about a model: it can be told in formats of other tools as well. */
export function withFindings(command: Command, output?: string): Command {
  return withCommon(command, output, [...FORMATS, ...EXPORTS]);
}

export const ACCEPT_CALIBRATED = "let --fail-on count verdicts on labels that were moved, which have no p-value";

/** Of `--depth`, in the order of what is read. */
export const DEPTHS = ["sampled", "full", "deep"] as const satisfies readonly ReadingDepth[];
export const DEPTH_HELP =
  "sampled: some MB of any model; full: every byte; deep: also labels that were moved on purpose, and adapters alone";

export function withReading(command: Command): Command {
  return command
    .addOption(new Option("--depth <depth>", DEPTH_HELP).choices(DEPTHS))
    .option("--threads <n>", "worker threads of --depth full; 0 uses none", wholeNumber(0, 256))
    .option("--max-bytes <n>", "refuse to read more weights than this (10MB, 2GiB ...)", byteCount)
    .option("--timeout <seconds>", "give up reading a model after this long", positiveNumber);
}

/** Of commands that keep a fingerprint. */
export const KEEP_DEEP = "keep what finds labels that were moved on purpose, at any depth (some MB)";

export function withFailOn(command: Command): Command {
  return command.addOption(
    new Option("--fail-on <verdict>", "exit 1 at this verdict or a stronger one").choices(FAIL_ON),
  );
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`A whole number from ${least} to ${most}.`);
    return value;
  };
}

export function positiveNumber(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  // setTimeout holds 2^31 - 1 milliseconds.
  if (!(value > 0 && value <= 2_000_000)) throw new InvalidArgumentError("A number of seconds above 0.");
  return value;
}

const UNIT_BYTES = new Map([
  ["", 1],
  ["b", 1],
  ["k", 1e3],
  ["kb", 1e3],
  ["kib", 2 ** 10],
  ["m", 1e6],
  ["mb", 1e6],
  ["mib", 2 ** 20],
  ["g", 1e9],
  ["gb", 1e9],
  ["gib", 2 ** 30],
  ["t", 1e12],
  ["tb", 1e12],
  ["tib", 2 ** 40],
]);

export function byteCount(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const scale = UNIT_BYTES.get((unit ?? "?").toLowerCase());
  const value = digits === undefined || scale === undefined ? Number.NaN : Math.floor(Number(digits) * scale);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("A number of bytes such as 1000000, 10MB or 2GiB.");
  return value;
}
