import type { Anatomy, CanonicalTensor } from "../anatomy/anatomy.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint/checkpoint.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { digestedTensors } from "./identity.ts";
import type { Reading } from "./reading-plan.ts";
import { MAX_COLS, sketched, sliced, worthSketching } from "./sampling.ts";

/** What is read of a model, and what of it is not. */
export interface ChosenReadings {
  readonly readings: readonly Reading[];
  /** Matrices that hold values, each once. */
  readonly matrices: number;
  /** Of these, worth a sketch. */
  readonly worth: number;
  /** What was left out. */
  readonly notes: readonly string[];
}

export function chooseReadings(checkpoint: Checkpoint, { matrices }: Anatomy): ChosenReadings {
  const usable = matrices.filter((m) => holdsValues(checkpoint.tensors.get(m.tensor)!.dtype));
  const chosen = sketched(usable);
  const worth = worthSketching(usable).length;
  const wide = usable.filter((m) => m.cols > MAX_COLS).length;
  const whole = matrices.length - usable.length;
  return {
    readings: readingsOf(chosen, new Set(sliced(usable)), digestedTensors(checkpoint)),
    matrices: usable.filter((m) => m.twin !== true).length,
    worth,
    notes: [
      ...(whole > 0 ? [`${whole} matrices of integer type were not sampled`] : []),
      ...(chosen.length < worth
        ? [`${chosen.length} of ${worth} matrices were sampled, the largest of each stack`]
        : []),
      ...(wide > 0 ? [`${wide} matrices of more than ${MAX_COLS} columns were not sampled`] : []),
    ],
  };
}

/** Each tensor's digest beside its first matrix: what both read is fetched once. */
function readingsOf(
  chosen: readonly CanonicalTensor[],
  slicedSet: ReadonlySet<CanonicalTensor>,
  digested: readonly CheckpointTensor[],
): Reading[] {
  const waiting = new Map(digested.map((tensor) => [tensor.name, tensor]));
  const readings: Reading[] = [];
  for (const matrix of chosen) {
    readings.push({ matrix, slice: slicedSet.has(matrix) });
    const tensor = waiting.get(matrix.tensor);
    if (tensor === undefined) continue;
    waiting.delete(matrix.tensor);
    readings.push({ digested: tensor });
  }
  for (const tensor of waiting.values()) readings.push({ digested: tensor });
  return readings;
}
