import { type Command, InvalidArgumentError, Option } from "commander";
import type { ReadingDepth } from "../../index.ts";
import { withLocalModels } from "../local-models.ts";
import { byteCount, DEPTH_HELP, DEPTHS, FAIL_ON, type FailOn, positiveNumber, wholeNumber } from "../options.ts";
import { type RemoteOptions, withAccess } from "../remote.ts";
import type { LogFormat } from "./log.ts";

export const SCAN_FORMATS = ["text", "json", "jsonl", "html", "sarif", "cyclonedx"] as const;
export type ScanFormat = (typeof SCAN_FORMATS)[number];

/** Flags of `scan`. */
export interface ScanOptions extends RemoteOptions {
  readonly hubOrg: readonly string[];
  readonly list?: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly registry?: string;
  readonly watermarkKeys?: string;
  readonly passphraseFile?: string;
  readonly journal?: string;
  readonly resume?: boolean;
  readonly restart?: boolean;
  readonly cacheDir?: string;
  /** False with --no-cache. */
  readonly cache?: boolean;
  readonly jobs?: number;
  readonly maxBytes?: number;
  readonly timeout?: number;
  readonly depth?: ReadingDepth;
  readonly failOn: readonly (FailOn | "mark")[];
  readonly dryRun?: boolean;
  readonly database?: string;
  readonly json?: boolean;
  readonly format?: ScanFormat;
  readonly output?: string;
  readonly sarif?: string;
  readonly cyclonedx?: string;
  readonly force?: boolean;
  readonly deterministic?: boolean;
  readonly redactPaths?: boolean;
  readonly progress?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly logFormat?: LogFormat;
}

/** Every flag of `scan`; those of other commands keep their names and meanings. */
export function withScanOptions(command: Command): Command {
  return withOutput(withLocalModels(withAccess(withWork(withTargets(command)))));
}

function withTargets(command: Command): Command {
  return command
    .addOption(repeated("--hub-org <name>", "scan all models of an organisation of the Hub"))
    .option("--list <file>", "scan what the lines of a file name; - for stdin")
    .addOption(repeated("--include <glob>", "only models whose name matches"))
    .addOption(repeated("--exclude <glob>", "no models whose name matches"))
    .option("--dry-run", "list what would be scanned, and read none of it");
}

function withWork(command: Command): Command {
  return command
    .option("--registry <dir|url>", "the bases to hold models against (default: the user's data directory)")
    .option("--watermark-keys <dir>", "hold the watermark keys in here against every model, which reads all of it")
    .option("--passphrase-file <file>", "read the keys' passphrase from here (or set WEIGHTMARK_PASSPHRASE)")
    .option("--journal <file>", "where results are kept while the scan runs (default: the user's state directory)")
    .option("--resume", "go on with the scan of the journal; finished models are not read again")
    .option("--restart", "begin anew, and forget what the journal holds")
    .option("--cache-dir <dir>", "where fingerprints are cached (default: the user's cache directory)")
    .option("--no-cache", "use no cache")
    .option("--jobs <n>", "threads that work on models", wholeNumber(0, 256))
    .addOption(new Option("--depth <depth>", DEPTH_HELP).choices(DEPTHS))
    .option("--max-bytes <n>", "refuse to read more of one model than this (10MB, 2GiB ...)", byteCount)
    .option("--timeout <seconds>", "give up on one model after this long", positiveNumber)
    .option("--database <url>", "share the work with `weightmark worker` through PostgreSQL")
    .addOption(
      new Option("--fail-on <what>", "exit 1 at this verdict or a stronger one, or at a mark (may be repeated)")
        .default([], "nothing")
        .argParser(policy),
    );
}

function withOutput(command: Command): Command {
  return command
    .option("--json", "print JSON (same as --format json)")
    .addOption(new Option("--format <format>", "how to print the result").choices(SCAN_FORMATS))
    .option("-o, --output <file>", "write the result to FILE instead of stdout, when the scan is over")
    .option("--sarif <file>", "write the findings as SARIF 2.1.0 as well")
    .option("--cyclonedx <file>", "write the models as a CycloneDX 1.7 ML-BOM as well")
    .option("--force", "replace existing output files")
    .option("--deterministic", "leave out times and costs, print by name at the end: same input, same bytes")
    .option("--redact-paths", "print the last part of paths only")
    .option("--no-progress", "no progress on stderr")
    .option("-q, --quiet", "nothing on stderr but errors")
    .option("-v, --verbose", "say more on stderr")
    .addOption(new Option("--log-format <format>", "lines on stderr for people or programs").choices(["text", "json"]));
}

function repeated(flags: string, about: string): Option {
  return new Option(flags, `${about} (may be repeated)`)
    .default([], "none")
    .argParser((value: string, before: readonly string[]) => [...before, value]);
}

function policy(value: string, before: readonly string[]): string[] {
  if (value === "mark" || (FAIL_ON as readonly string[]).includes(value)) return [...before, value];
  throw new InvalidArgumentError(`One of ${[...FAIL_ON, "mark"].join(", ")}.`);
}
