/** The sixteen values of codes of 4 bits. */

/** NormalFloat 4, as bitsandbytes has it (Dettmers et al. 2023, QLoRA, appendix E). */
export const NF4 = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
);

/** FP4 of bitsandbytes: a sign and seven sizes as parts of the largest, in the order of its own bits. */
export const FP4_BITSANDBYTES = signed([0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4]);

/** FP4 E2M1 of the OCP microscaling formats. */
export const E2M1 = signed([0, 0.5, 1, 1.5, 2, 3, 4, 6]);

/** Numbers of a table in order, each once. */
export function ascending(table: Float32Array): Float32Array {
  return Float32Array.from(new Set(table.map((number) => number + 0))).sort();
}

/** Sizes, and then the same with a minus. */
function signed(sizes: readonly number[]): Float32Array {
  return Float32Array.from([...sizes, ...sizes.map((size) => -size)]);
}
