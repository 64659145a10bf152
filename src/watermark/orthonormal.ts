/** A row that loses all but this share of its length to the earlier ones is linearly dependent on them. */
const DEPENDENT = 1e-6;

/**
 * Makes the rows (count x cols, row-major) orthonormal in place, in order, by Gram and Schmidt, each projection done
 * twice (Giraud, Langou and Rozloznik 2005: twice is enough). `against`, orthonormal rows, is taken out first. Rows that
 * depend on earlier ones become zero.
 */
export function orthonormalRows(rows: Float64Array, cols: number, against: Float64Array = new Float64Array(0)): void {
  for (let start = 0; start < rows.length; start += cols) {
    const row = rows.subarray(start, start + cols);
    const before = length(row);
    for (let pass = 0; pass < 2; pass++) {
      for (let at = 0; at < against.length; at += cols) takeOut(row, against.subarray(at, at + cols));
      for (let at = 0; at < start; at += cols) takeOut(row, rows.subarray(at, at + cols));
    }
    const after = length(row);
    const scale = after > DEPENDENT * before && Number.isFinite(after) ? 1 / after : 0;
    for (let c = 0; c < cols; c++) row[c] = scale === 0 ? 0 : row[c]! * scale;
  }
}

function takeOut(row: Float64Array, unit: Float64Array): void {
  let inner = 0;
  for (let c = 0; c < row.length; c++) inner += row[c]! * unit[c]!;
  for (let c = 0; c < row.length; c++) row[c]! -= inner * unit[c]!;
}

function length(row: Float64Array): number {
  let squares = 0;
  for (const value of row) squares += value * value;
  return Math.sqrt(squares);
}
