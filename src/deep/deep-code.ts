import { DEEP_CODE_BYTES } from "../fingerprint/deep-part.ts";
import { subset } from "../numerics/prng.ts";
import type { TokenFrame } from "./token-frame.ts";

/**
 * Signs of products of two tokens in the weaker directions, of pairs drawn by a coin: the same however a stream was rotated or
 * renumbered, and other ones in a model that shares no weights.
 */
export function deepCode(frame: TokenFrame): Uint8Array {
  const { size } = frame;
  const products = frame.weakProducts();
  const pairs: number[] = [];
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) pairs.push(i * size + j);
  const code = new Uint8Array(DEEP_CODE_BYTES);
  const chosen = subset(pairs.length, 8 * DEEP_CODE_BYTES, "weightmark deep code");
  for (const [bit, at] of chosen.entries()) if (products[pairs[at]!]! < 0) code[bit >> 3]! |= 1 << (bit & 7);
  return code;
}
