import { WeightmarkError } from "../../errors.ts";
import type { StoredArray } from "../stored-array.ts";
import { DTYPE_BITS } from "../tensor-info.ts";
import type { StoredTensor } from "./values.ts";

/** Where a file keeps the bytes of its storages. */
export interface StoragePlaces {
  /** Where the bytes under a key begin, from the start of the file; throws where there are none, or not as many. */
  begin(key: string, bytes: number, tensor: string): number;
  readonly bigEndian: boolean;
}

/** How often all bytes of a file may be given out as tensors: layers that share their weights are stored once. */
const MAX_REPEATS = 64;
/** What small files may give out on top. */
const SLACK_BYTES = 1 << 20;

/**
 * The tensors of a file by where they lie in it.
 *
 * @throws PT_OUT_OF_BOUNDS, PT_STORAGE_WRONG, PT_VIEWS_TOO_LARGE
 */
export function placeTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  places: StoragePlaces,
  { location: file, size }: { readonly location: string; readonly size: number },
): StoredArray[] {
  const allowed = MAX_REPEATS * size + SLACK_BYTES;
  let total = 0;
  return [...tensors].map(([name, { storage, dtype, shape, strides, offset }]) => {
    const width = DTYPE_BITS[dtype] / 8;
    const refuse = (message: string) => new WeightmarkError("PT_OUT_OF_BOUNDS", message, { file, tensor: name });
    const elements = product(shape);
    const last = shape.reduce((sum, count, axis) => sum + (count - 1) * strides[axis]!, offset);
    if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(last))
      throw refuse("the tensor is larger than any file");
    const there = Math.floor((storage.elements * storage.width) / width);
    if (elements > 0 && last >= there) {
      throw refuse(`element ${last} of a storage of ${there} is asked for`);
    }
    total += elements * width;
    if (total > allowed) {
      throw new WeightmarkError("PT_VIEWS_TOO_LARGE", `tensors of more than ${allowed} bytes in a file of ${size}`, {
        file,
        tensor: name,
      });
    }
    const start = places.begin(storage.key, storage.bytes, name) + storage.first * storage.width;
    // Of a tensor without elements, what it lies at means nothing.
    const begin = elements === 0 ? start : start + offset * width;
    return { name, dtype, shape, strides, begin, bigEndian: places.bigEndian && width > 1 };
  });
}

function product(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1);
}
