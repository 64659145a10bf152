/**
 * Transposes a bit matrix of `rows` (a multiple of 16) rows of `fromStride` bytes, of which `bytes` are used: bit j of
 * row i becomes bit i of row j, rows of `toStride` bytes. The top bits of 16 bytes are one mask.
 */
export function transposeBits(from: usize, rows: u32, bytes: u32, fromStride: u32, to: usize, toStride: u32): void {
  for (let i: u32 = 0; i < rows; i += 16) {
    const strip = from + i * fromStride;
    for (let c: u32 = 0; c < bytes; c++) {
      let p = strip + c;
      let v = v128.load8_splat(p);
      v = v128.load8_lane(p += fromStride, v, 1);
      v = v128.load8_lane(p += fromStride, v, 2);
      v = v128.load8_lane(p += fromStride, v, 3);
      v = v128.load8_lane(p += fromStride, v, 4);
      v = v128.load8_lane(p += fromStride, v, 5);
      v = v128.load8_lane(p += fromStride, v, 6);
      v = v128.load8_lane(p += fromStride, v, 7);
      v = v128.load8_lane(p += fromStride, v, 8);
      v = v128.load8_lane(p += fromStride, v, 9);
      v = v128.load8_lane(p += fromStride, v, 10);
      v = v128.load8_lane(p += fromStride, v, 11);
      v = v128.load8_lane(p += fromStride, v, 12);
      v = v128.load8_lane(p += fromStride, v, 13);
      v = v128.load8_lane(p += fromStride, v, 14);
      v = v128.load8_lane(p += fromStride, v, 15);
      let q = to + (c * 8 + 7) * toStride + (i >> 3);
      for (let bit = 0; bit < 8; bit++, q -= toStride) {
        store<u16>(q, <u16>i8x16.bitmask(v));
        v = i8x16.add(v, v);
      }
    }
  }
}
