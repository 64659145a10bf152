import { setImmediate } from "node:timers/promises";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { fetchedAhead } from "../rows/batches.ts";
import { holdRanges } from "../rows/held-ranges.ts";
import type { RowReader } from "../rows/row-reader.ts";
import type { Slice } from "./fingerprint.ts";
import { digestTensor, type TensorDigest } from "./identity.ts";
import { planReadings, type Reading } from "./reading-plan.ts";
import type { ReadingProgress } from "./reading-progress.ts";
import { sketchMatrix, type UntossedSketch } from "./sketch.ts";
import { sliceMatrix } from "./slice.ts";

/** What came of the readings, in their order. */
export interface ReadModel {
  readonly untossed: readonly UntossedSketch[];
  readonly slices: readonly Slice[];
  /** By name of the tensor. */
  readonly each: ReadonlyMap<string, TensorDigest>;
}

export interface ReadAllOptions {
  readonly progress: ReadingProgress;
  readonly signal?: AbortSignal | undefined;
}

/** Sketches, slices and digests of a model, its ranges fetched one batch ahead. */
export async function readAll(
  reader: RowReader,
  checkpoint: Checkpoint,
  readings: readonly Reading[],
  { progress, signal }: ReadAllOptions,
): Promise<ReadModel> {
  const untossed: UntossedSketch[] = [];
  const slices: Slice[] = [];
  const each = new Map<string, TensorDigest>();
  progress.readings(0, readings.length);
  const batches = fetchedAhead(
    planReadings(reader, readings),
    ({ ranges }) => holdRanges(checkpoint, ranges, signal),
    ({ alone }) => alone,
  );
  for await (const [{ items }, held] of batches) {
    reader.held = held;
    for (const reading of items) {
      // Local reads are synchronous: without a turn of the event loop neither timers nor signals would be heard.
      await setImmediate();
      signal?.throwIfAborted();
      if ("digested" in reading) {
        each.set(reading.digested.name, await digestTensor(reader, reading.digested));
      } else {
        const { matrix } = reading;
        untossed.push(await sketchMatrix(reader, matrix));
        const slice = reading.slice ? await sliceMatrix(reader, matrix, untossed.length - 1) : null;
        if (slice) slices.push(slice);
      }
      progress.readings(untossed.length + each.size, readings.length);
    }
  }
  return { untossed, slices, each };
}
