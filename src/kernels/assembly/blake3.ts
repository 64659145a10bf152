// BLAKE3 compression, four independent inputs side by side, one per 32-bit lane (O'Connor, Aumasson, Neves,
// Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere", 2021, sections 2.1-2.3 and 5.3).
// The seven rounds are written out because the message order is then part of the code: 1.17 x the speed of a loop.

/** The transposed message block: word i of all four inputs at M + 16 i. */
const M: usize = memory.data(256, 16);
/** The chaining values: word i of all four inputs at CV + 16 i. */
const CV: usize = memory.data(128, 16);

// The state word is the last addend: it is the one on the critical path.
// @ts-ignore: decorator
@inline function mix(a: v128, word: usize, b: v128): v128 { return i32x4.add(i32x4.add(a, v128.load(M + (word << 4))), b); }
// @ts-ignore: decorator
@inline function add(a: v128, b: v128): v128 { return i32x4.add(a, b); }
// @ts-ignore: decorator
@inline function r16(d: v128, a: v128): v128 { return i8x16.swizzle(v128.xor(d, a), i8x16(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)); }
// @ts-ignore: decorator
@inline function r8(d: v128, a: v128): v128 { return i8x16.swizzle(v128.xor(d, a), i8x16(1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)); }
// @ts-ignore: decorator
@inline function r12(b: v128, c: v128): v128 { const t = v128.xor(b, c); return v128.or(i32x4.shr_u(t, 12), i32x4.shl(t, 20)); }
// @ts-ignore: decorator
@inline function r7(b: v128, c: v128): v128 { const t = v128.xor(b, c); return v128.or(i32x4.shr_u(t, 7), i32x4.shl(t, 25)); }

/** Four words of four inputs, rows to lanes. */
// @ts-ignore: decorator
@inline function transpose(p0: usize, p1: usize, p2: usize, p3: usize, to0: usize, to1: usize, to2: usize, to3: usize): void {
  const a = v128.load(p0), b = v128.load(p1), c = v128.load(p2), d = v128.load(p3);
  const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5), ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5), cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to0, i64x2.shuffle(ab0, cd0, 0, 2));
  v128.store(to1, i64x2.shuffle(ab0, cd0, 1, 3));
  v128.store(to2, i64x2.shuffle(ab1, cd1, 0, 2));
  v128.store(to3, i64x2.shuffle(ab1, cd1, 1, 3));
}

/**
 * Chaining values of four inputs of `bytes` bytes each (1 to 1024; full 64-byte blocks are read, zero-padded by the
 * caller), which start `stride` bytes apart. Lane i has block counter `counter + i * step`.
 * `first` and `last` are the flags added on the first and the last block. Writes 4 x 32 bytes to `out`.
 */
export function blake3Four(
  input: usize, stride: usize, bytes: u32, counter: u64, step: u64, flags: u32, first: u32, last: u32, out: usize,
): void {
  v128.store(CV, i32x4.splat(0x6a09e667), 0);
  v128.store(CV, i32x4.splat(0xbb67ae85), 16);
  v128.store(CV, i32x4.splat(0x3c6ef372), 32);
  v128.store(CV, i32x4.splat(0xa54ff53a), 48);
  v128.store(CV, i32x4.splat(0x510e527f), 64);
  v128.store(CV, i32x4.splat(0x9b05688c), 80);
  v128.store(CV, i32x4.splat(0x1f83d9ab), 96);
  v128.store(CV, i32x4.splat(0x5be0cd19), 112);
  const k1 = counter + step, k2 = k1 + step, k3 = k2 + step;
  const counterLow = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(<i32>counter), 1, <i32>k1), 2, <i32>k2), 3, <i32>k3);
  const counterHigh = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(<i32>(counter >> 32)), 1, <i32>(k1 >> 32)), 2, <i32>(k2 >> 32)), 3, <i32>(k3 >> 32));
  let p0 = input, p1 = p0 + stride, p2 = p1 + stride, p3 = p2 + stride;
  let left: i32 = bytes;
  let start = first;
  do {
    transpose(p0, p1, p2, p3, M, M + 16, M + 32, M + 48);
    transpose(p0 + 16, p1 + 16, p2 + 16, p3 + 16, M + 64, M + 80, M + 96, M + 112);
    transpose(p0 + 32, p1 + 32, p2 + 32, p3 + 32, M + 128, M + 144, M + 160, M + 176);
    transpose(p0 + 48, p1 + 48, p2 + 48, p3 + 48, M + 192, M + 208, M + 224, M + 240);
    let v0 = v128.load(CV), v1 = v128.load(CV, 16), v2 = v128.load(CV, 32), v3 = v128.load(CV, 48);
    let v4 = v128.load(CV, 64), v5 = v128.load(CV, 80), v6 = v128.load(CV, 96), v7 = v128.load(CV, 112);
    let v8 = i32x4.splat(0x6a09e667), v9 = i32x4.splat(0xbb67ae85), v10 = i32x4.splat(0x3c6ef372), v11 = i32x4.splat(0xa54ff53a);
    let v12 = counterLow, v13 = counterHigh, v14 = i32x4.splat(left < 64 ? left : 64), v15 = i32x4.splat(flags | start | (left <= 64 ? last : 0));
    // round 1
    v0 = mix(v0, 0, v4); v12 = r16(v12, v0); v8 = add(v8, v12); v4 = r12(v4, v8); v0 = mix(v0, 1, v4); v12 = r8(v12, v0); v8 = add(v8, v12); v4 = r7(v4, v8);
    v1 = mix(v1, 2, v5); v13 = r16(v13, v1); v9 = add(v9, v13); v5 = r12(v5, v9); v1 = mix(v1, 3, v5); v13 = r8(v13, v1); v9 = add(v9, v13); v5 = r7(v5, v9);
    v2 = mix(v2, 4, v6); v14 = r16(v14, v2); v10 = add(v10, v14); v6 = r12(v6, v10); v2 = mix(v2, 5, v6); v14 = r8(v14, v2); v10 = add(v10, v14); v6 = r7(v6, v10);
    v3 = mix(v3, 6, v7); v15 = r16(v15, v3); v11 = add(v11, v15); v7 = r12(v7, v11); v3 = mix(v3, 7, v7); v15 = r8(v15, v3); v11 = add(v11, v15); v7 = r7(v7, v11);
    v0 = mix(v0, 8, v5); v15 = r16(v15, v0); v10 = add(v10, v15); v5 = r12(v5, v10); v0 = mix(v0, 9, v5); v15 = r8(v15, v0); v10 = add(v10, v15); v5 = r7(v5, v10);
    v1 = mix(v1, 10, v6); v12 = r16(v12, v1); v11 = add(v11, v12); v6 = r12(v6, v11); v1 = mix(v1, 11, v6); v12 = r8(v12, v1); v11 = add(v11, v12); v6 = r7(v6, v11);
    v2 = mix(v2, 12, v7); v13 = r16(v13, v2); v8 = add(v8, v13); v7 = r12(v7, v8); v2 = mix(v2, 13, v7); v13 = r8(v13, v2); v8 = add(v8, v13); v7 = r7(v7, v8);
    v3 = mix(v3, 14, v4); v14 = r16(v14, v3); v9 = add(v9, v14); v4 = r12(v4, v9); v3 = mix(v3, 15, v4); v14 = r8(v14, v3); v9 = add(v9, v14); v4 = r7(v4, v9);
    // round 2
    v0 = mix(v0, 2, v4); v12 = r16(v12, v0); v8 = add(v8, v12); v4 = r12(v4, v8); v0 = mix(v0, 6, v4); v12 = r8(v12, v0); v8 = add(v8, v12); v4 = r7(v4, v8);
    v1 = mix(v1, 3, v5); v13 = r16(v13, v1); v9 = add(v9, v13); v5 = r12(v5, v9); v1 = mix(v1, 10, v5); v13 = r8(v13, v1); v9 = add(v9, v13); v5 = r7(v5, v9);
    v2 = mix(v2, 7, v6); v14 = r16(v14, v2); v10 = add(v10, v14); v6 = r12(v6, v10); v2 = mix(v2, 0, v6); v14 = r8(v14, v2); v10 = add(v10, v14); v6 = r7(v6, v10);
    v3 = mix(v3, 4, v7); v15 = r16(v15, v3); v11 = add(v11, v15); v7 = r12(v7, v11); v3 = mix(v3, 13, v7); v15 = r8(v15, v3); v11 = add(v11, v15); v7 = r7(v7, v11);
    v0 = mix(v0, 1, v5); v15 = r16(v15, v0); v10 = add(v10, v15); v5 = r12(v5, v10); v0 = mix(v0, 11, v5); v15 = r8(v15, v0); v10 = add(v10, v15); v5 = r7(v5, v10);
    v1 = mix(v1, 12, v6); v12 = r16(v12, v1); v11 = add(v11, v12); v6 = r12(v6, v11); v1 = mix(v1, 5, v6); v12 = r8(v12, v1); v11 = add(v11, v12); v6 = r7(v6, v11);
    v2 = mix(v2, 9, v7); v13 = r16(v13, v2); v8 = add(v8, v13); v7 = r12(v7, v8); v2 = mix(v2, 14, v7); v13 = r8(v13, v2); v8 = add(v8, v13); v7 = r7(v7, v8);
    v3 = mix(v3, 15, v4); v14 = r16(v14, v3); v9 = add(v9, v14); v4 = r12(v4, v9); v3 = mix(v3, 8, v4); v14 = r8(v14, v3); v9 = add(v9, v14); v4 = r7(v4, v9);
    // round 3
    v0 = mix(v0, 3, v4); v12 = r16(v12, v0); v8 = add(v8, v12); v4 = r12(v4, v8); v0 = mix(v0, 4, v4); v12 = r8(v12, v0); v8 = add(v8, v12); v4 = r7(v4, v8);
    v1 = mix(v1, 10, v5); v13 = r16(v13, v1); v9 = add(v9, v13); v5 = r12(v5, v9); v1 = mix(v1, 12, v5); v13 = r8(v13, v1); v9 = add(v9, v13); v5 = r7(v5, v9);
    v2 = mix(v2, 13, v6); v14 = r16(v14, v2); v10 = add(v10, v14); v6 = r12(v6, v10); v2 = mix(v2, 2, v6); v14 = r8(v14, v2); v10 = add(v10, v14); v6 = r7(v6, v10);
    v3 = mix(v3, 7, v7); v15 = r16(v15, v3); v11 = add(v11, v15); v7 = r12(v7, v11); v3 = mix(v3, 14, v7); v15 = r8(v15, v3); v11 = add(v11, v15); v7 = r7(v7, v11);
    v0 = mix(v0, 6, v5); v15 = r16(v15, v0); v10 = add(v10, v15); v5 = r12(v5, v10); v0 = mix(v0, 5, v5); v15 = r8(v15, v0); v10 = add(v10, v15); v5 = r7(v5, v10);
    v1 = mix(v1, 9, v6); v12 = r16(v12, v1); v11 = add(v11, v12); v6 = r12(v6, v11); v1 = mix(v1, 0, v6); v12 = r8(v12, v1); v11 = add(v11, v12); v6 = r7(v6, v11);
    v2 = mix(v2, 11, v7); v13 = r16(v13, v2); v8 = add(v8, v13); v7 = r12(v7, v8); v2 = mix(v2, 15, v7); v13 = r8(v13, v2); v8 = add(v8, v13); v7 = r7(v7, v8);
    v3 = mix(v3, 8, v4); v14 = r16(v14, v3); v9 = add(v9, v14); v4 = r12(v4, v9); v3 = mix(v3, 1, v4); v14 = r8(v14, v3); v9 = add(v9, v14); v4 = r7(v4, v9);
    // round 4
    v0 = mix(v0, 10, v4); v12 = r16(v12, v0); v8 = add(v8, v12); v4 = r12(v4, v8); v0 = mix(v0, 7, v4); v12 = r8(v12, v0); v8 = add(v8, v12); v4 = r7(v4, v8);
    v1 = mix(v1, 12, v5); v13 = r16(v13, v1); v9 = add(v9, v13); v5 = r12(v5, v9); v1 = mix(v1, 9, v5); v13 = r8(v13, v1); v9 = add(v9, v13); v5 = r7(v5, v9);
    v2 = mix(v2, 14, v6); v14 = r16(v14, v2); v10 = add(v10, v14); v6 = r12(v6, v10); v2 = mix(v2, 3, v6); v14 = r8(v14, v2); v10 = add(v10, v14); v6 = r7(v6, v10);
    v3 = mix(v3, 13, v7); v15 = r16(v15, v3); v11 = add(v11, v15); v7 = r12(v7, v11); v3 = mix(v3, 15, v7); v15 = r8(v15, v3); v11 = add(v11, v15); v7 = r7(v7, v11);
    v0 = mix(v0, 4, v5); v15 = r16(v15, v0); v10 = add(v10, v15); v5 = r12(v5, v10); v0 = mix(v0, 0, v5); v15 = r8(v15, v0); v10 = add(v10, v15); v5 = r7(v5, v10);
    v1 = mix(v1, 11, v6); v12 = r16(v12, v1); v11 = add(v11, v12); v6 = r12(v6, v11); v1 = mix(v1, 2, v6); v12 = r8(v12, v1); v11 = add(v11, v12); v6 = r7(v6, v11);
    v2 = mix(v2, 5, v7); v13 = r16(v13, v2); v8 = add(v8, v13); v7 = r12(v7, v8); v2 = mix(v2, 8, v7); v13 = r8(v13, v2); v8 = add(v8, v13); v7 = r7(v7, v8);
    v3 = mix(v3, 1, v4); v14 = r16(v14, v3); v9 = add(v9, v14); v4 = r12(v4, v9); v3 = mix(v3, 6, v4); v14 = r8(v14, v3); v9 = add(v9, v14); v4 = r7(v4, v9);
    // round 5
    v0 = mix(v0, 12, v4); v12 = r16(v12, v0); v8 = add(v8, v12); v4 = r12(v4, v8); v0 = mix(v0, 13, v4); v12 = r8(v12, v0); v8 = add(v8, v12); v4 = r7(v4, v8);
    v1 = mix(v1, 9, v5); v13 = r16(v13, v1); v9 = add(v9, v13); v5 = r12(v5, v9); v1 = mix(v1, 11, v5); v13 = r8(v13, v1); v9 = add(v9, v13); v5 = r7(v5, v9);
    v2 = mix(v2, 15, v6); v14 = r16(v14, v2); v10 = add(v10, v14); v6 = r12(v6, v10); v2 = mix(v2, 10, v6); v14 = r8(v14, v2); v10 = add(v10, v14); v6 = r7(v6, v10);
    v3 = mix(v3, 14, v7); v15 = r16(v15, v3); v11 = add(v11, v15); v7 = r12(v7, v11); v3 = mix(v3, 8, v7); v15 = r8(v15, v3); v11 = add(v11, v15); v7 = r7(v7, v11);
    v0 = mix(v0, 7, v5); v15 = r16(v15, v0); v10 = add(v10, v15); v5 = r12(v5, v10); v0 = mix(v0, 2, v5); v15 = r8(v15, v0); v10 = add(v10, v15); v5 = r7(v5, v10);
    v1 = mix(v1, 5, v6); v12 = r16(v12, v1); v11 = add(v11, v12); v6 = r12(v6, v11); v1 = mix(v1, 3, v6); v12 = r8(v12, v1); v11 = add(v11, v12); v6 = r7(v6, v11);
    v2 = mix(v2, 0, v7); v13 = r16(v13, v2); v8 = add(v8, v13); v7 = r12(v7, v8); v2 = mix(v2, 1, v7); v13 = r8(v13, v2); v8 = add(v8, v13); v7 = r7(v7, v8);
    v3 = mix(v3, 6, v4); v14 = r16(v14, v3); v9 = add(v9, v14); v4 = r12(v4, v9); v3 = mix(v3, 4, v4); v14 = r8(v14, v3); v9 = add(v9, v14); v4 = r7(v4, v9);
    // round 6
    v0 = mix(v0, 9, v4); v12 = r16(v12, v0); v8 = add(v8, v12); v4 = r12(v4, v8); v0 = mix(v0, 14, v4); v12 = r8(v12, v0); v8 = add(v8, v12); v4 = r7(v4, v8);
    v1 = mix(v1, 11, v5); v13 = r16(v13, v1); v9 = add(v9, v13); v5 = r12(v5, v9); v1 = mix(v1, 5, v5); v13 = r8(v13, v1); v9 = add(v9, v13); v5 = r7(v5, v9);
    v2 = mix(v2, 8, v6); v14 = r16(v14, v2); v10 = add(v10, v14); v6 = r12(v6, v10); v2 = mix(v2, 12, v6); v14 = r8(v14, v2); v10 = add(v10, v14); v6 = r7(v6, v10);
    v3 = mix(v3, 15, v7); v15 = r16(v15, v3); v11 = add(v11, v15); v7 = r12(v7, v11); v3 = mix(v3, 1, v7); v15 = r8(v15, v3); v11 = add(v11, v15); v7 = r7(v7, v11);
    v0 = mix(v0, 13, v5); v15 = r16(v15, v0); v10 = add(v10, v15); v5 = r12(v5, v10); v0 = mix(v0, 3, v5); v15 = r8(v15, v0); v10 = add(v10, v15); v5 = r7(v5, v10);
    v1 = mix(v1, 0, v6); v12 = r16(v12, v1); v11 = add(v11, v12); v6 = r12(v6, v11); v1 = mix(v1, 10, v6); v12 = r8(v12, v1); v11 = add(v11, v12); v6 = r7(v6, v11);
    v2 = mix(v2, 2, v7); v13 = r16(v13, v2); v8 = add(v8, v13); v7 = r12(v7, v8); v2 = mix(v2, 6, v7); v13 = r8(v13, v2); v8 = add(v8, v13); v7 = r7(v7, v8);
    v3 = mix(v3, 4, v4); v14 = r16(v14, v3); v9 = add(v9, v14); v4 = r12(v4, v9); v3 = mix(v3, 7, v4); v14 = r8(v14, v3); v9 = add(v9, v14); v4 = r7(v4, v9);
    // round 7
    v0 = mix(v0, 11, v4); v12 = r16(v12, v0); v8 = add(v8, v12); v4 = r12(v4, v8); v0 = mix(v0, 15, v4); v12 = r8(v12, v0); v8 = add(v8, v12); v4 = r7(v4, v8);
    v1 = mix(v1, 5, v5); v13 = r16(v13, v1); v9 = add(v9, v13); v5 = r12(v5, v9); v1 = mix(v1, 0, v5); v13 = r8(v13, v1); v9 = add(v9, v13); v5 = r7(v5, v9);
    v2 = mix(v2, 1, v6); v14 = r16(v14, v2); v10 = add(v10, v14); v6 = r12(v6, v10); v2 = mix(v2, 9, v6); v14 = r8(v14, v2); v10 = add(v10, v14); v6 = r7(v6, v10);
    v3 = mix(v3, 8, v7); v15 = r16(v15, v3); v11 = add(v11, v15); v7 = r12(v7, v11); v3 = mix(v3, 6, v7); v15 = r8(v15, v3); v11 = add(v11, v15); v7 = r7(v7, v11);
    v0 = mix(v0, 14, v5); v15 = r16(v15, v0); v10 = add(v10, v15); v5 = r12(v5, v10); v0 = mix(v0, 10, v5); v15 = r8(v15, v0); v10 = add(v10, v15); v5 = r7(v5, v10);
    v1 = mix(v1, 2, v6); v12 = r16(v12, v1); v11 = add(v11, v12); v6 = r12(v6, v11); v1 = mix(v1, 12, v6); v12 = r8(v12, v1); v11 = add(v11, v12); v6 = r7(v6, v11);
    v2 = mix(v2, 3, v7); v13 = r16(v13, v2); v8 = add(v8, v13); v7 = r12(v7, v8); v2 = mix(v2, 4, v7); v13 = r8(v13, v2); v8 = add(v8, v13); v7 = r7(v7, v8);
    v3 = mix(v3, 7, v4); v14 = r16(v14, v3); v9 = add(v9, v14); v4 = r12(v4, v9); v3 = mix(v3, 13, v4); v14 = r8(v14, v3); v9 = add(v9, v14); v4 = r7(v4, v9);
    v128.store(CV, v128.xor(v0, v8), 0);
    v128.store(CV, v128.xor(v1, v9), 16);
    v128.store(CV, v128.xor(v2, v10), 32);
    v128.store(CV, v128.xor(v3, v11), 48);
    v128.store(CV, v128.xor(v4, v12), 64);
    v128.store(CV, v128.xor(v5, v13), 80);
    v128.store(CV, v128.xor(v6, v14), 96);
    v128.store(CV, v128.xor(v7, v15), 112);
    p0 += 64; p1 += 64; p2 += 64; p3 += 64;
    left -= 64;
    start = 0;
  } while (left > 0);
  transpose(CV, CV + 16, CV + 32, CV + 48, out, out + 32, out + 64, out + 96);
  transpose(CV + 64, CV + 80, CV + 96, CV + 112, out + 16, out + 48, out + 80, out + 112);
}

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;

/** Chaining values of `chunks` (a multiple of four, or fewer than four padded by the caller) whole 1024-byte chunks. */
export function blake3Chunks(input: usize, chunks: u32, counter: u64, out: usize): void {
  for (let i: u32 = 0; i < chunks; i += 4) blake3Four(input + (i << 10), 1024, 1024, counter + i, 1, 0, CHUNK_START, CHUNK_END, out + (i << 5));
}

/** One level of the tree: `parents` pairs of chaining values to `parents` chaining values; in place is allowed. */
export function blake3Parents(pairs: usize, parents: u32, out: usize): void {
  for (let i: u32 = 0; i < parents; i += 4) blake3Four(pairs + (i << 6), 64, 64, 0, 0, PARENT, 0, 0, out + (i << 5));
}
