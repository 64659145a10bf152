import { WINDOW_BYTES } from "./limits.ts";
import type { WireCursor } from "./wire-cursor.ts";

/** Values of a tensor as a list of numbers: one field of them all, or neighbouring fields of one each. */
export interface NumberList {
  readonly field: number;
  /** Wire type of the numbers: 0 varints, 1 eight bytes, 5 four bytes. */
  readonly wire: number;
  readonly packed: boolean;
  readonly start: number;
  readonly end: number;
}

/**
 * The numbers of a list as little-endian elements, of which each gets the lowest bytes of a number. `count` numbers take at least
 * as many bytes, so that no more is made room for than the file has.
 *
 * @param width bytes of an element
 * @throws ONNX_SIZE_WRONG unless there are exactly `count`, ONNX_MALFORMED
 */
export async function expanded(
  cursor: WireCursor,
  { field, wire, packed, start, end }: NumberList,
  { count, width, tensor }: { readonly count: number; readonly width: number; readonly tensor: string },
): Promise<Uint8Array> {
  const wrong = () => cursor.refusal("ONNX_SIZE_WRONG", `the values are not the ${count} that the shape says`, tensor);
  if (count > end - start) throw wrong();
  const bytes = new Uint8Array(count * width);
  const tag = field * 8 + wire;
  const fixed = wire === 1 ? 8 : 4;
  let element = 0;
  /** Bytes of the number so far; -1 where its tag comes first. */
  const before = packed ? 0 : -1;
  let at = before;
  let low = 0;
  let high = 0;

  function put(byte: number): void {
    const bits = byte & 0x7f;
    if (at < 4) low |= bits << (7 * at);
    else if (at === 4) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (7 * at - 32);
    at += 1;
    if (byte >= 0x80) {
      if (at === 10) throw cursor.refusal("ONNX_MALFORMED", "a number has more than 10 bytes", tensor);
      return;
    }
    if (element === count) throw wrong();
    for (let i = 0; i < width; i++) bytes[element * width + i] = (i < 4 ? low : high) >>> (8 * (i % 4));
    element += 1;
    low = 0;
    high = 0;
    at = before;
  }

  function putFixed(byte: number): void {
    if (element === count) throw wrong();
    bytes[element * width + at] = byte;
    at += 1;
    if (at < fixed) return;
    element += 1;
    at = before;
  }

  for (let from = start; from < end; from += WINDOW_BYTES) {
    for (const byte of await cursor.source.read(from, Math.min(end, from + WINDOW_BYTES))) {
      if (at === -1) {
        if (byte !== tag) throw cursor.refusal("ONNX_TENSOR_UNSUPPORTED", "the values have tags of many bytes", tensor);
        at = 0;
      } else if (wire === 0) put(byte);
      else putFixed(byte);
    }
  }
  if (element !== count || at !== before) throw wrong();
  return bytes;
}
