import { uniform } from "./random.mjs";

const TABLE = 65_536;
const FREEDOM = 5;
/** RMS of a weight before the scales. */
const SIGMA = 0.02;
const PIECE_ROWS = 256;

/**
 * Matrices with the marginals of trained weights: Student's t with 5 degrees of freedom, rows and columns whose scale
 * varies by a log-normal factor, and one column in a hundred four times as large.
 *
 * @returns a generator of bf16 bytes, some rows at a time, for a shape [rows, cols]
 */
export function trainedValues(random) {
  // Two values from one draw of 32 bits: a table of t values instead of a transformation for each.
  const table = Float32Array.from(
    { length: TABLE },
    () => studentT(random) * SIGMA * Math.sqrt((FREEDOM - 2) / FREEDOM),
  );
  return function* draw([rows, cols]) {
    const columns = Float32Array.from({ length: cols }, () => logNormal(random, 0.2) * (random() % 100 === 0 ? 4 : 1));
    for (let first = 0; first < rows; first += PIECE_ROWS) {
      const count = Math.min(PIECE_ROWS, rows - first);
      const values = new Float32Array(count * cols);
      for (let i = 0; i < count; i++)
        fillRow(values.subarray(i * cols, (i + 1) * cols), columns, logNormal(random, 0.3));
      const bits = new Uint32Array(values.buffer);
      const halves = new Uint16Array(bits.length);
      for (let i = 0; i < bits.length; i++) halves[i] = (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
      yield Buffer.from(halves.buffer);
    }
  };

  function fillRow(row, columns, scale) {
    for (let j = 0; j < row.length; j += 2) {
      const drawn = random();
      row[j] = table[drawn & 0xffff] * columns[j] * scale;
      if (j + 1 < row.length) row[j + 1] = table[drawn >>> 16] * columns[j + 1] * scale;
    }
  }
}

/** A normal value over the root of a mean of FREEDOM squared ones. */
function studentT(random) {
  let squares = 0;
  for (let i = 0; i < FREEDOM; i++) squares += normal(random) ** 2;
  return normal(random) / Math.sqrt(squares / FREEDOM);
}

const logNormal = (random, sigma) => Math.exp(sigma * normal(random));

function normal(random) {
  return Math.sqrt(-2 * Math.log(uniform(random))) * Math.cos(2 * Math.PI * uniform(random));
}
