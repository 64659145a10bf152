import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { DTYPE_BITS, type Dtype, type TensorInfo } from "../tensor-info.ts";

/** Why a shape has no size: the product overflows, or a sub-byte type leaves part of a byte. */
export type SizeProblem = "overflow" | "misfit";

/** Bytes of a tensor, computed exactly in integers below 2^53, or why there is no such number. */
export function tensorByteLength(dtype: Dtype, shape: readonly number[]): number | SizeProblem {
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    if (!Number.isSafeInteger(elements)) return "overflow";
  }
  const bits = elements * DTYPE_BITS[dtype];
  if (!Number.isSafeInteger(bits)) return "overflow";
  return bits % 8 === 0 ? bits / 8 : "misfit";
}

/** Refuses a tensor whose range is not exactly as long as its shape and type say. */
function checkSize(tensor: TensorInfo, refuse: (code: ErrorCode, message: string, name: string) => Error): void {
  const { name, dtype, shape, begin, end } = tensor;
  if (end < begin)
    throw refuse("ST_RANGE_REVERSED", `the range ends at byte ${end}, before it begins at ${begin}`, name);
  const length = tensorByteLength(dtype, shape);
  const described = `${dtype} [${shape.join(", ")}]`;
  if (length === "overflow") throw refuse("ST_SIZE_OVERFLOW", `the size of ${described} is above 2^53 bits`, name);
  if (length === "misfit") throw refuse("ST_SUBBYTE_MISFIT", `${described} does not fill whole bytes`, name);
  if (length !== end - begin) {
    throw refuse("ST_SIZE_MISMATCH", `${described} needs ${length} bytes, its range has ${end - begin}`, name);
  }
}

function inFileOrder(tensors: readonly TensorInfo[]): boolean {
  for (let i = 1; i < tensors.length; i++) {
    const a = tensors[i - 1]!;
    const b = tensors[i]!;
    if (b.begin < a.begin || (b.begin === a.begin && b.end < a.end)) return false;
  }
  return true;
}

/**
 * Checks that the tensors fill [dataStart, size) of their file with no hole, overlap or tail, each of them as long as its
 * shape and type say; returns them in file order (tensors without bytes that share an offset stay in header order).
 *
 * @throws ST_RANGE_REVERSED, ST_SIZE_OVERFLOW, ST_SUBBYTE_MISFIT, ST_SIZE_MISMATCH, ST_OVERLAP, ST_HOLE,
 *   ST_TRAILING_DATA, ST_DATA_TRUNCATED, with the byte range
 */
export function tileTensors(
  tensors: Map<string, TensorInfo>,
  dataStart: number,
  size: number,
  location: string,
): Map<string, TensorInfo> {
  const refuse = (code: ErrorCode, message: string, name?: string) =>
    new WeightmarkError(code, message, { file: location, tensor: name });
  const ordered = [...tensors.values()];
  const sorted = inFileOrder(ordered);
  if (!sorted) ordered.sort((a, b) => a.begin - b.begin || a.end - b.end);

  let at = dataStart;
  for (const tensor of ordered) {
    checkSize(tensor, refuse);
    if (tensor.begin < at) {
      throw refuse(
        "ST_OVERLAP",
        `bytes ${tensor.begin} to ${Math.min(at, tensor.end)} belong to two tensors`,
        tensor.name,
      );
    }
    if (tensor.begin > at) throw refuse("ST_HOLE", `bytes ${at} to ${tensor.begin} belong to no tensor`, tensor.name);
    at = tensor.end;
  }
  if (at > size) throw refuse("ST_DATA_TRUNCATED", `the tensors end at byte ${at}, the file at ${size}`);
  if (at < size) throw refuse("ST_TRAILING_DATA", `bytes ${at} to ${size} belong to no tensor`);
  return sorted ? tensors : new Map(ordered.map((tensor) => [tensor.name, tensor]));
}
