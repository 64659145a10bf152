import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../errors.ts";
import { holdsPacked } from "../../formats/dtype-kind.ts";
import { addressedViews } from "./host-checkpoint.ts";
import { mainModel } from "./rivals/settle.ts";

const MARKABLE = new Set(["BF16", "F16", "F32"]);
/** Packed weights fill matrices; a few integers in a vector are scales or positions. */
const LEAST_PACKED = 4096;

/**
 * Refuses models whose weights cannot take a mark of a few thousandths of their size.
 *
 * @throws UNSUPPORTED_CONTAINER for weights that are no safetensors, which a copy is written as; QUANTIZED_WEIGHTS for integer,
 *   packed or 8-bit weights, DTYPE_UNSUPPORTED for other types that are not BF16, F16 or F32
 */
export function requireMarkable(checkpoint: Checkpoint): void {
  if (checkpoint.container !== "safetensors") {
    throw new WeightmarkError("UNSUPPORTED_CONTAINER", `weights in ${checkpoint.container} are read, and not marked`, {
      file: checkpoint.location,
      detail: "Write them as safetensors with what made them, and mark that; marks are found in any container.",
    });
  }
  if (checkpoint.givenBase !== undefined) {
    throw new WeightmarkError("UNSUPPORTED_CONTAINER", "an adapter with its base is read, and not marked", {
      file: checkpoint.location,
      detail: "Merge it with the library that made it, and mark that; marks are found in an adapter with its base.",
    });
  }
  for (const { name, dtype, shape, scheme } of checkpoint.tensors.values()) {
    if (scheme !== undefined) throw quantised(name, scheme);
    const elements = shape.reduce((a, b) => a * b, 1);
    if (shape.length >= 2 && elements >= LEAST_PACKED && holdsPacked(dtype)) throw quantised(name, dtype);
  }
  for (const { tensor } of addressedViews(mainModel(checkpoint))) {
    const { dtype } = checkpoint.tensors.get(tensor)!;
    if (dtype.startsWith("F8_")) throw quantised(tensor, dtype);
    if (!MARKABLE.has(dtype)) {
      throw new WeightmarkError("DTYPE_UNSUPPORTED", `${dtype} weights cannot be marked`, {
        file: checkpoint.location,
        tensor,
        detail: "Store the weights as BF16, F16 or F32 and mark that.",
      });
    }
  }
}

/**
 * A key marks a model once: a second mark would add to the first, of the same message or another.
 *
 * @throws ALREADY_MARKED
 */
export function requireUnmarked(checkpoint: Checkpoint, present: boolean): void {
  if (!present) return;
  throw new WeightmarkError("ALREADY_MARKED", "the mark of this key is in the model already", {
    file: checkpoint.location,
    detail: "Mark the original again, or make a key for a new release with `rotateKeyFile`.",
  });
}

function quantised(tensor: string, form: string): WeightmarkError {
  return new WeightmarkError("QUANTIZED_WEIGHTS", `${form} weights are too coarse for a mark`, {
    tensor,
    detail: "Mark the model that this one was quantised from, then quantise the marked copy.",
  });
}
