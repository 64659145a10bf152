import { existsSync, unlinkSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { stageFile } from "../../bytes/atomic-file.ts";
import { openFileSource } from "../../bytes/file-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { undoOnExit } from "../../unfinished.ts";
import type { ModelKey } from "../key/model-key.ts";
import type { Sketch } from "./sketch.ts";
import { readSketch, SKETCH_MODE, serializeSketch } from "./sketch-file.ts";

/** The sketch of a marked copy that is being written: it gets its name a moment before the copy does. */
export interface StagedSketch {
  readonly path: string;
  readonly bytes: number;
  /** A copy without its sketch could not be made good; a sketch whose copy never came is taken back, or found again. */
  publish(): Promise<void>;
  /** The copy was not made. */
  takeBack(): Promise<void>;
  /** The copy is there. */
  keep(): void;
}

/** Beside the copy, never in it: the copy is published. */
export function sketchPath(directory: string): string {
  return `${directory.replace(/[/\\]+$/, "")}.sketch`;
}

/**
 * Asked before the model is read, which may take minutes. A sketch of this very key may be what an embedding left that was
 * killed between the two names; whether it is can be told when the new one is made.
 *
 * @throws OUTPUT_EXISTS
 */
export async function requireSketchPlace(path: string, { id }: ModelKey): Promise<void> {
  const found = await readSketch(path).catch((error: unknown) => {
    if (error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND") return null;
    throw occupied(path);
  });
  if (found !== null && found.keyId !== id) throw occupied(path);
}

/**
 * Writes the sketch under a name that means nothing.
 *
 * @throws OUTPUT_EXISTS when another sketch than this one has its name; WRITE_FAILED
 */
export async function stageSketch(sketch: Sketch, directory: string): Promise<StagedSketch> {
  const path = sketchPath(directory);
  const content = serializeSketch(sketch);
  const about = { path, bytes: content.length };
  if (await holds(path, content)) return { ...about, publish: nothing, takeBack: nothing, keep() {} };
  const staged = await stageFile(path, content, { mode: SKETCH_MODE }).catch((error) => {
    throw error instanceof WeightmarkError && error.code === "OUTPUT_EXISTS" ? occupied(path) : error;
  });
  let settled: (() => void) | null = null;
  return {
    ...about,
    async publish() {
      const undone = undoOnExit(() => existsSync(directory) || unlinkSync(path));
      await staged.publish().catch((error) => {
        undone();
        throw error;
      });
      settled = undone;
    },
    async takeBack() {
      if (settled === null) return staged.discard();
      await unlink(path).catch(() => undefined);
      settled();
    },
    keep: () => settled?.(),
  };
}

async function nothing(): Promise<void> {}

/** Whether the file is there already, to the byte: same model, key and payload, same sketch. */
async function holds(path: string, content: Uint8Array): Promise<boolean> {
  const source = await openFileSource(path).catch(() => null);
  if (source === null) return false;
  try {
    return source.size === content.length && Buffer.compare(await source.read(0, source.size), content) === 0;
  } finally {
    await source.close();
  }
}

function occupied(path: string): WeightmarkError {
  return new WeightmarkError("OUTPUT_EXISTS", "a sketch of another copy, or another file, has this name", {
    file: path,
    detail: "Name another directory, or move the sketch away: nothing but it leads back to the copy it was made with.",
  });
}
