/** A row that loses all but this share of its length to the earlier ones is linearly dependent on them. */
const DEPENDENT = 1e-6;
/** A row that loses all but this share is worked on once more: what rounding left of the others weighs ten times as much. */
const ONCE_MORE = 0.1;

/**
 * Makes the rows (count x cols, row-major) orthonormal in place, in order, by Gram and Schmidt with a second round where
 * much cancels (Giraud, Langou and Rozloznik 2005: twice is enough). `against`, orthonormal rows, is taken out first. Rows
 * that depend on earlier ones become zero.
 */
export function orthonormalRows(rows: Float64Array, cols: number, against: Float64Array = new Float64Array(0)): void {
  for (let start = 0; start < rows.length; start += cols) {
    const row = rows.subarray(start, start + cols);
    const before = length(row);
    let after = before;
    for (let round = 0; round < 2 && (round === 0 || after < ONCE_MORE * before); round++) {
      for (let at = 0; at < against.length; at += cols) takeOut(row, against, at);
      for (let at = 0; at < start; at += cols) takeOut(row, rows, at);
      after = length(row);
    }
    const scale = after > DEPENDENT * before && Number.isFinite(after) ? 1 / after : 0;
    for (let c = 0; c < cols; c++) row[c] = scale === 0 ? 0 : row[c]! * scale;
  }
}

/** The same of f32 rows, as new ones. */
export function orthonormal(rows: Float32Array, cols: number): Float32Array {
  const exact = Float64Array.from(rows);
  orthonormalRows(exact, cols);
  return Float32Array.from(exact);
}

/** Takes the unit vector at `at` out of the row; four sums, for one would wait for itself. */
function takeOut(row: Float64Array, units: Float64Array, at: number): void {
  const cols = row.length;
  const whole = cols - (cols % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a += row[i]! * units[at + i]!;
    b += row[i + 1]! * units[at + i + 1]!;
    c += row[i + 2]! * units[at + i + 2]!;
    d += row[i + 3]! * units[at + i + 3]!;
  }
  for (let i = whole; i < cols; i++) a += row[i]! * units[at + i]!;
  const inner = a + b + (c + d);
  for (let i = 0; i < cols; i++) row[i]! -= inner * units[at + i]!;
}

function length(row: Float64Array): number {
  let squares = 0;
  for (let c = 0; c < row.length; c++) squares += row[c]! * row[c]!;
  return Math.sqrt(squares);
}
