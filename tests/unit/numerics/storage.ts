const F32 = new Float32Array(1);
const U32 = new Uint32Array(F32.buffer);

/** Rounds to bfloat16, ties to even. */
export function toBf16(value: number): number {
  F32[0] = value;
  const word = U32[0]!;
  U32[0] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  return F32[0]!;
}

/** Rounds to float16 (ties away from even at worst in the last place; below 2^-14 on the subnormal grid). */
export function toF16(value: number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
  return Math.round(value / unit) * unit;
}

export const STORAGES = { bf16: toBf16, f16: toF16, f32: Math.fround } as const;
