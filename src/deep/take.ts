/** At most so many of the values, spread evenly over them. */
export function spread<T>(values: readonly T[], most: number): readonly T[] {
  if (values.length <= most) return values;
  return Array.from({ length: most }, (_, i) => values[Math.floor((i * values.length) / most)]!);
}

export function lengthOf(row: Float32Array): number {
  let sum = 0;
  for (const x of row) sum += x * x;
  return Math.sqrt(sum);
}

/** Rows at unit length; zeros stay zeros. */
export function unitRows(rows: Float32Array, width: number): Float32Array {
  const out = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at += width) {
    let sum = 0;
    for (let j = at; j < at + width; j++) sum += rows[j]! ** 2;
    const factor = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let j = at; j < at + width; j++) out[j] = rows[j]! * factor;
  }
  return out;
}

/** The given rows of a row-major matrix. */
export function takeRows(rows: Float32Array, width: number, wanted: readonly number[]): Float32Array {
  const out = new Float32Array(wanted.length * width);
  for (const [to, from] of wanted.entries()) out.set(rows.subarray(from * width, (from + 1) * width), to * width);
  return out;
}
