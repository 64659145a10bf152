// Signs by keystream: 16 bytes are the signs of 128 columns. Seen as eight 16-bit lanes, the top bits are the signs of
// columns 0 to 7, the next bits those of columns 8 to 15 and so on: adding the lanes to themselves moves to the next
// eight. Even columns and odd columns go into vectors of their own, because that is how the halves of a 32-bit lane lie;
// per-column factors come in the same order: columns 0, 2, 4, 6, 1, 3, 5, 7 of every eight.
//
// F is u16 for bf16, i16 for f16, f32 for f32.

import { widenAnyF16 } from "./decode";

/** Columns of a block, the unit that is marked and read as a whole. */
export const BLOCK: u32 = 256;

/** Sign bits of the even columns in 32-bit lanes; `coins` holds those of this and the following groups. */
// @ts-ignore: decorator
@inline export function evenSigns(coins: v128): v128 { return v128.and(i32x4.shl(coins, 16), i32x4.splat(0x80000000)); }
// @ts-ignore: decorator
@inline export function oddSigns(coins: v128): v128 { return v128.and(coins, i32x4.splat(0x80000000)); }

/** Columns 0, 2, 4, 6 and 1, 3, 5, 7 of the eight elements in `v`, which are 16 bits wide. */
// @ts-ignore: decorator
@inline export function evenHalves<F>(v: v128): v128 {
  return isSigned<F>() ? widenAnyF16(v128.and(v, i32x4.splat(0xffff))) : i32x4.shl(v, 16);
}
// @ts-ignore: decorator
@inline export function oddHalves<F>(v: v128): v128 {
  return isSigned<F>() ? widenAnyF16(i32x4.shr_u(v, 16)) : v128.and(v, i32x4.splat(0xffff0000));
}
