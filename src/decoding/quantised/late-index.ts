import { WeightmarkError } from "../../errors.ts";
import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";

/** A linear whose inputs have an order of their own that is read with its codes, and not before. */
export interface LateIndex {
  readonly index: Stored;
  readonly cols: number;
  /** Whether inputs may be in order after all. */
  readonly isOrdered: boolean;
  /** Group of each input by the bytes of the index: undefined in order, a clause where it names none. */
  readonly orderOf: (bytes: Uint8Array) => Uint32Array | undefined | string;
  readonly decoderBy: (order: Uint32Array | undefined) => Decoder;
}

/**
 * Of a model far away whose linears are many a look into each index is a request each; so it is read where values are.
 *
 * @throws PACKED_INDEX_INVALID when values are decoded
 */
export function lateIndex({ index, cols, isOrdered, orderOf, decoderBy }: LateIndex): Decoder {
  const { file, begin, end, name } = index;
  // For its ranges, which are the same whatever the order is.
  const shuffled = decoderBy(new Uint32Array(cols));
  const ordered = isOrdered ? decoderBy(undefined) : null;
  /** What decodes by the index, and what else is stored. */
  const byIndex = ([bytes, ...stored]: readonly Uint8Array[], first: number, count: number) => {
    const order = orderOf(bytes!);
    if (typeof order === "string") {
      throw new WeightmarkError("PACKED_INDEX_INVALID", order, { tensor: name });
    }
    // Of a part of one row only some groups are read where inputs are in order.
    const isOneRow = Math.floor(first / cols) === Math.floor((first + count - 1) / cols);
    const isPlain = order === undefined && ordered !== null && !isOneRow;
    return { decoder: isPlain ? ordered : decoderBy(order ?? inOrder(bytes!)), stored };
  };
  const { together } = shuffled;
  return {
    unit: 1,
    together: together && {
      elements: together.elements,
      open(stored, first, count) {
        const own = byIndex(stored, first, count);
        return own.decoder.together!.open(own.stored, first, count);
      },
    },
    ranges: (first, count) => [{ file, start: begin, end }, ...shuffled.ranges(first, count)],
    decode(stored, first, count, out) {
      const own = byIndex(stored, first, count);
      own.decoder.decode(own.stored, first, count, out);
    },
  };
}

/** The order as it stands. */
function inOrder(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}
