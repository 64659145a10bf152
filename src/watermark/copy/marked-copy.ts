import { realpathSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { writeDirectoryAtomic } from "../../bytes/atomic-directory.ts";
import { writeError, writeFileAtomic } from "../../bytes/atomic-file.ts";
import { openFileSource } from "../../bytes/file-source.ts";
import { makeDirectory } from "../../bytes/make-directory.ts";
import { fsPath, requireWritableName } from "../../bytes/path-text.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { isShardIndex } from "../../checkpoint/index-name.ts";
import { type Root, resolveRoot } from "../../checkpoint/inside-root.ts";
import { WeightmarkError } from "../../errors.ts";
import type { ChipSums } from "../carriers/spread/chip-sums.ts";
import type { TensorEdit } from "../host/tensor-edit.ts";
import { findCompanions } from "./companions.ts";
import { planEdits } from "./edit-plan.ts";
import type { EditTask } from "./edit-task.ts";
import type { FilePair } from "./perform-task.ts";
import { runTasks } from "./run-tasks.ts";

export interface CopyOptions {
  /** Worker threads; 0 works on this thread. The copy never depends on it. @default 2 */
  readonly threads?: number | undefined;
  /** Bytes of weights done and to do. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Looks at what the spread mark came to after pass `pass` over the weights, the first being 1, and returns edits of the
   * copy for one more, or null. @default never
   */
  readonly refine?: ((achieved: ChipSums, pass: number) => ReadonlyMap<string, TensorEdit> | null) | undefined;
  /** Called when the copy is whole, before it gets its name; what it throws is passed on. */
  readonly whole?: (() => Promise<void> | undefined) | undefined;
}

/** What was written. */
export interface MarkedCopy {
  /** Files and their bytes, weights and the rest. */
  readonly files: number;
  readonly bytes: number;
  /** What the chips of the spread mark add up to in the copy; null when no edit has one. */
  readonly achieved: ChipSums | null;
  /** What was left out, and what deserves a look. */
  readonly notes: readonly string[];
}

const PIECE_BYTES = 4 << 20;
/** Passes over the weights of the copy. What two do not bring home, more would not. */
const MAX_PASSES = 3;

/**
 * Writes a copy of a checkpoint with some tensors edited. Every other byte stays: headers, metadata, order of tensors,
 * shards, index, config, tokenizer. Of what lies beside the model only texts and known tokenizers are copied: whatever else is
 * binary may be weights that are not marked. The directory appears whole or not at all, the input is only read.
 *
 * @param directory must not exist yet, nor lie in the input
 * @param edits by name of the stored tensor
 * @throws OUTPUT_EXISTS, OUTPUT_IS_INPUT, WRITE_FAILED, CHANGED_DURING_READ, TENSOR_TOO_LARGE, DTYPE_UNSUPPORTED,
 *   DIRECTORY_TOO_LARGE; the signal's reason. Nothing is left behind then
 */
export async function writeMarkedCopy(
  checkpoint: Checkpoint,
  directory: string,
  edits: ReadonlyMap<string, TensorEdit>,
  options: CopyOptions = {},
): Promise<MarkedCopy> {
  const root = await requireOutsideModel(checkpoint, directory);
  const tasks = planEdits(checkpoint, edits);
  const weights = checkpoint.files.map(({ path }) => path);
  const beside = root === null ? { files: [], notes: [] } : await findCompanions(root, new Set(weights));
  options.signal?.throwIfAborted();

  return writeDirectoryAtomic(directory, async (temporary) => {
    for (const { path, real } of beside.files) {
      options.signal?.throwIfAborted();
      await makeParent(temporary, path, directory);
      await copyFile(real, join(temporary, path)).catch((error) => {
        throw underFinalName(error, join(directory, path));
      });
    }
    const pairs: FilePair[] = [];
    for (const { path, absolutePath, source } of checkpoint.files) {
      await makeParent(temporary, path, directory);
      const pair = { source: absolutePath, target: join(temporary, path), shown: join(directory, path) };
      await createFile(pair, source.size);
      pairs.push(pair);
    }
    const total = checkpoint.files.reduce((sum, { source }) => sum + source.size, 0);
    const sources = checkpoint.files.map(({ source }) => source);
    const { threads, signal, onProgress, refine } = options;
    let achieved = await runTasks(tasks, pairs, sources, {
      threads,
      signal,
      onProgress: (done) => onProgress?.(done, total),
    });
    for (let pass = 1; achieved !== null && refine !== undefined && pass < MAX_PASSES; pass++) {
      const more = refine(achieved, pass);
      if (more === null) break;
      const inPlace = pairs.map((pair) => ({ ...pair, source: pair.target }));
      achieved = await runTasks(editingOnly(planEdits(checkpoint, more)), inPlace, [], { threads, signal });
    }
    for (const pair of pairs) await syncFile(pair);
    signal?.throwIfAborted();
    await checkpoint.verifyUnchanged();
    await options.whole?.();
    return {
      files: pairs.length + beside.files.length,
      bytes: beside.files.reduce((sum, { bytes }) => sum + bytes, total),
      achieved,
      notes: beside.notes,
    };
  });
}

function* editingOnly(tasks: Iterable<EditTask>): Generator<EditTask> {
  for (const task of tasks) if (task.edit !== null) yield task;
}

/**
 * The directory that the model is, also where its index or one of its shards was named; null for a single file, which is copied
 * alone, and for what lies in no file.
 */
async function rootOf({ location, files, allowLinks }: Checkpoint): Promise<Root | null> {
  if (files.some(({ absolutePath }) => absolutePath === null)) return null;
  if ((await stat(fsPath(location))).isDirectory()) return resolveRoot(location, allowLinks);
  return isShardIndex(basename(location)) || files.length > 1 ? resolveRoot(dirname(location), allowLinks) : null;
}

/** @throws OUTPUT_IS_INPUT when the directory is the model's or lies in it */
export async function requireOutsideModel(checkpoint: Checkpoint, directory: string): Promise<Root | null> {
  const root = await rootOf(checkpoint);
  requireOutside(directory, [...(root === null ? [] : [root.real]), ...checkpoint.files.map((f) => f.absolutePath)]);
  return root;
}

function requireOutside(directory: string, inputs: readonly (string | null)[]): void {
  const target = resolve(directory);
  const places = [join(real(dirname(target)), basename(target)), real(target)];
  for (const input of inputs) {
    if (input === null || !places.some((place) => place === input || place.startsWith(input + sep))) continue;
    throw new WeightmarkError("OUTPUT_IS_INPUT", "the output is the input or lies in it", {
      file: directory,
      detail: "Name a directory beside the model.",
    });
  }
}

/** With every link resolved, as far as the path exists. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(real(dirname(path)), basename(path));
  }
}

function makeParent(temporary: string, path: string, directory: string): Promise<void> {
  return makeDirectory(dirname(join(temporary, path)), join(directory, path));
}

async function copyFile(from: string, to: string): Promise<void> {
  const source = await openFileSource(from);
  try {
    await writeFileAtomic(
      to,
      (async function* () {
        for (let at = 0; at < source.size; at += PIECE_BYTES) {
          yield await source.read(at, Math.min(at + PIECE_BYTES, source.size));
        }
      })(),
    );
    await source.verifyUnchanged();
  } finally {
    await source.close();
  }
}

/** A failed write is told of the file that was to be, not of the temporary one. */
function underFinalName(error: unknown, file: string): unknown {
  if (!(error instanceof WeightmarkError) || error.code !== "WRITE_FAILED") return error;
  return new WeightmarkError("WRITE_FAILED", error.message, { file, detail: error.detail, cause: error });
}

/** Makes the file in its full length, so that threads can write it in any order. */
async function createFile({ target, shown }: FilePair, size: number): Promise<void> {
  requireWritableName(shown);
  try {
    const handle = await open(target, "wx", 0o666);
    await handle.truncate(size).finally(() => handle.close());
  } catch (error) {
    throw writeError(error, shown);
  }
}

async function syncFile({ target, shown }: FilePair): Promise<void> {
  try {
    const handle = await open(target, "r+");
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    throw writeError(error, shown);
  }
}
