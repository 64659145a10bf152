import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { WeightmarkError } from "../../errors.ts";
import type { ScanExport } from "../../report/scan/export.ts";
import { requireFilePlace } from "../output.ts";
import { isAddress } from "../remote.ts";
import { entryAt, requireOtherFile } from "../session.ts";
import { namesWeights } from "../weight-names.ts";
import type { ScanFormat, ScanOptions } from "./options.ts";
import { scanPieces } from "./output.ts";

/** A file that a scan writes when it is over. */
export interface ResultFile {
  readonly path: string;
  readonly format: ScanFormat;
}

/**
 * The files that a scan writes, looked at before it begins: after a night of work is too late to hear of a wrong name.
 *
 * @param inputs what is scanned: no weights in it are replaced
 * @param others what the scan reads and keeps besides: nothing of it is replaced
 * @throws OUTPUT_IS_INPUT, OUTPUT_EXISTS, FILE_NOT_FOUND, USAGE for one file named twice
 */
export function resultFiles(
  options: ScanOptions,
  format: ScanFormat,
  inputs: readonly string[],
  others: readonly string[],
): ResultFile[] {
  const files = [
    { path: options.output, format },
    { path: options.sarif, format: "sarif" as const },
    { path: options.cyclonedx, format: "cyclonedx" as const },
  ].flatMap(({ path, format: form }) => (path === undefined ? [] : [{ path, format: form }]));
  for (const { path } of files) requireWritable(path, options.force ?? false, inputs, others);
  if (new Set(files.map(({ path }) => resolve(path))).size < files.length) {
    throw new WeightmarkError("USAGE", "two results cannot be written to one file");
  }
  return files;
}

function requireWritable(path: string, force: boolean, inputs: readonly string[], others: readonly string[]): void {
  // The directory that is scanned is often the one worked in: a result may lie there, but replaces no weights.
  requireOtherFile(path, inputs);
  requireOtherFile(path, others, force);
  const roots = inputs.filter((input) => !isAddress(input)).map((input) => `${real(input)}${sep}`);
  const place = join(real(dirname(path)), basename(path));
  if (namesWeights(place) && roots.some((root) => place.startsWith(root))) {
    throw new WeightmarkError("OUTPUT_IS_INPUT", "the output would lie among the models as one of them", {
      file: path,
    });
  }
  if (entryAt(dirname(resolve(path)), statSync)?.isDirectory() !== true) {
    throw new WeightmarkError("FILE_NOT_FOUND", "there is no directory to write this file into", { file: path });
  }
  requireFilePlace(path, (output) => entryAt(output, statSync));
  if (!force && entryAt(path) !== undefined) {
    throw new WeightmarkError("OUTPUT_EXISTS", "the output exists", { file: path, detail: "Replace it with --force." });
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** What came of the files of a scan. */
export interface WrittenFiles {
  readonly written: readonly ResultFile[];
  /** Why others were not: WRITE_FAILED, OUTPUT_EXISTS, what reading the results throws. */
  readonly refusals: readonly WeightmarkError[];
}

/** Writes the files, each all there or not there; one that cannot be written keeps no other from it. */
export async function writeResultFiles(
  files: readonly ResultFile[],
  scan: ScanExport,
  force: boolean,
): Promise<WrittenFiles> {
  const { writeFileAtomic } = await import("../../bytes/atomic-file.ts");
  const { encodePieces } = await import("../../report/scan/export.ts");
  const written: ResultFile[] = [];
  const refusals: WeightmarkError[] = [];
  for (const file of files) {
    try {
      const pieces = encodePieces(scanPieces(scan, file.format, false));
      await writeFileAtomic(file.path, pieces, { overwrite: force });
      written.push(file);
    } catch (error) {
      if (!(error instanceof WeightmarkError)) throw error;
      refusals.push(error);
    }
  }
  return { written, refusals };
}
