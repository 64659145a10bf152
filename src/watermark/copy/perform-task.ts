import { open } from "node:fs/promises";
import { writeError } from "../../bytes/atomic-file.ts";
import { type ByteSource, isSync } from "../../bytes/byte-source.ts";
import { openFileSource } from "../../bytes/file-source.ts";
import { writeFullySync } from "../../bytes/write-fully.ts";
import type { ChipSums } from "../carriers/spread/chip-sums.ts";
import type { EditTask } from "./edit-task.ts";
import { editTile } from "./tile-edit.ts";

/** Where a task's bytes come from and go to. */
export interface FilePair {
  /** Opened by the one who performs the task; null when the bytes are in no local file. */
  readonly source: string | null;
  /** An existing file. */
  readonly target: string;
  /** What messages call the target. */
  readonly shown: string;
}

/** A task for another thread. */
export interface EditJob {
  readonly task: EditTask;
  readonly files: FilePair;
}

/** Memory used again by every task of a thread: large blocks that come and go would wait for the collector. */
export class Scratch {
  #bytes = new Uint8Array(0);

  /** `length` bytes with anything in them, from the start of a buffer. */
  take(length: number): Uint8Array {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }
}

const COPY_BYTES = 4 << 20;

/** Reads a stretch, edits it, and writes it at the same offset. `opened` is given where no file can be opened again. */
export async function performTask(
  task: EditTask,
  files: FilePair,
  scratch: Scratch,
  opened?: ByteSource,
): Promise<ChipSums | null> {
  let source: ByteSource | null = null;
  try {
    source = opened ?? (await openFileSource(files.source!));
    const target = await open(files.target, "r+").catch((error) => {
      throw writeError(error, files.shown);
    });
    try {
      return await moveBytes(task, source, target.fd, files.shown, scratch);
    } finally {
      await target.close().catch((error) => {
        throw writeError(error, files.shown);
      });
    }
  } finally {
    if (opened === undefined) await source?.close();
  }
}

async function moveBytes(
  { begin, end, edit }: EditTask,
  source: ByteSource,
  target: number,
  shown: string,
  scratch: Scratch,
): Promise<ChipSums | null> {
  const step = edit === null ? COPY_BYTES : end - begin;
  let sums: ChipSums | null = null;
  for (let at = begin; at < end; at += step) {
    const bytes = scratch.take(Math.min(step, end - at));
    if (isSync(source)) source.readIntoSync(bytes, at);
    else bytes.set(await source.read(at, at + bytes.length));
    if (edit !== null) sums = editTile(bytes, edit);
    writeAll(target, bytes, at, shown);
  }
  return sums;
}

function writeAll(target: number, bytes: Uint8Array, position: number, shown: string): void {
  try {
    writeFullySync(target, bytes, position);
  } catch (error) {
    throw writeError(error, shown);
  }
}
