/** `packSigns` in plain TypeScript, bit for bit. */
export function packSignsPlain(row: Float32Array, gainSigns: Uint32Array | null = null): Uint32Array {
  return packWhere(row.length, (j) => {
    const gainNegative = gainSigns !== null && ((gainSigns[j >> 5]! >>> (j & 31)) & 1) === 1;
    return row[j] !== 0 && row[j]! < 0 !== gainNegative;
  });
}

/** `packZeros` in plain TypeScript, bit for bit. */
export function packZerosPlain(row: Float32Array): Uint32Array {
  return packWhere(row.length, (j) => row[j] === 0);
}

function packWhere(n: number, isSet: (j: number) => boolean): Uint32Array {
  const packed = new Uint32Array(Math.ceil(n / 32));
  for (let j = 0; j < n; j++) if (isSet(j)) packed[j >> 5]! |= 1 << (j & 31);
  return packed;
}
