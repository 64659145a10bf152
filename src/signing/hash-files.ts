import { createHash } from "node:crypto";
import { openFileSource } from "../bytes/file-source.ts";
import { WeightmarkError } from "../errors.ts";
import { Blake3 } from "../kernels/blake3.ts";
import type { HashName } from "./manifest.ts";

/** Read at a time of one file. */
const PIECE = 1 << 20;
/** Files that are read at a time, each one piece: while one is hashed, others are fetched. */
const AT_ONCE = 4;

/** A hash that takes its content in pieces. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** Hex. */
  digest(): string;
}

export function startHash(name: HashName): RunningHash {
  if (name === "blake3") {
    const blake3 = new Blake3();
    return { update: (bytes) => void blake3.update(bytes), digest: () => Buffer.from(blake3.digest()).toString("hex") };
  }
  const hash = createHash(name === "blake2b" ? "blake2b512" : name);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("hex") };
}

/** Bytes of one file to hash. */
export interface HashTask {
  /** Where the file lies. */
  readonly place: string;
  /** What messages call it. */
  readonly shown: string;
  readonly start: number;
  readonly end: number;
  /** Of the whole file, when it was listed. */
  readonly size: number;
}

export interface HashOptions {
  /** Ends it, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes were hashed of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * The digests of the tasks, in their order. Some MB of memory, whatever the files.
 *
 * @throws what `openFileSource` throws; CHANGED_DURING_READ, also where a file has another size than it was listed with
 */
export async function hashFiles(
  tasks: readonly HashTask[],
  name: HashName,
  { signal, onProgress }: HashOptions = {},
): Promise<string[]> {
  const digests: string[] = new Array(tasks.length);
  const total = tasks.reduce((sum, { start, end }) => sum + end - start, 0);
  let done = 0;
  let next = 0;
  let hasFailed = false;

  async function work(): Promise<void> {
    for (let at = next++; at < tasks.length; at = next++) {
      const { place, shown, start, end, size } = tasks[at]!;
      const source = await openFileSource(place, shown);
      try {
        // What was appended since would not be hashed.
        if (source.size !== size) {
          throw new WeightmarkError("CHANGED_DURING_READ", "the file grew or shrank since it was listed", {
            file: shown,
          });
        }
        const hash = startHash(name);
        for (let from = start; from < end; from += PIECE) {
          signal?.throwIfAborted();
          // Nobody waits for the others any more.
          if (hasFailed) return;
          const piece = await source.read(from, Math.min(from + PIECE, end));
          hash.update(piece);
          done += piece.length;
          onProgress?.(done, total);
        }
        await source.verifyUnchanged();
        digests[at] = hash.digest();
      } catch (error) {
        hasFailed = true;
        throw error;
      } finally {
        await source.close();
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(AT_ONCE, tasks.length) }, work));
  return digests;
}
