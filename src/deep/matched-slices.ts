import type { Slice } from "../fingerprint/fingerprint.ts";
import { sliceOf } from "../fingerprint/slice.ts";
import { matmul } from "../kernels/matmul.ts";
import { nearestByCosine } from "./nearest.ts";
import { spread, unitRows } from "./take.ts";
import type { NeuronViews } from "./views.ts";

/** The same neurons of both models, in the directions that both streams have. */
export interface MatchedSlice {
  readonly role: "gate" | "up" | "down";
  readonly first: Slice;
  readonly second: Slice;
}

/** Rows of a slice: twice those of stored ones, for only a third of the roles is there. */
const HEIGHT = 128;
const MAX_NEURONS = 1024;
const LEAST_NEURONS = 32;
const ROLES = ["gate", "up", "down"] as const;

/**
 * Slices of neurons that are each other's nearest in all views together. Of strangers they come out a little alike, for they
 * were chosen so: strength is all that may be asked of them, where other tests have shown something. A neuron's up and down
 * may carry a sign and a factor that cancel, so that the second's are given the first's.
 */
export function matchedSlices(a: NeuronViews, b: NeuronViews): readonly MatchedSlice[] {
  const pairs = nearestNeurons(a, b).slice(0, MAX_NEURONS);
  if (pairs.length < LEAST_NEURONS) return [];
  return ROLES.flatMap((role) => {
    const [x, y] = [a[role], b[role]];
    if (x === null || y === null) return [];
    // As of a matrix that lies in a file: some rows, which are neurons of what reads the stream and directions of what writes it.
    const chosen = role === "down" ? pairs : pairs.slice(0, HEIGHT);
    const [first, second] = pairedRows(x, y, a.width, chosen, role === "gate");
    const slices = [first, second].map((rows) => (role === "down" ? someColumns(rows, a.width) : rows)) as [Rows, Rows];
    const height = slices[0].length / (role === "down" ? chosen.length : a.width);
    const [ofFirst, ofSecond] = [slices[0], slices[1]].map((rows) => sliceOf(rows, { sketch: 0, firstRow: 0, height }));
    return !ofFirst || !ofSecond ? [] : [{ role, first: ofFirst, second: ofSecond }];
  });
}

type Rows = Float32Array;

/** Rows of the pairs, the second's at the length of the first's and, but for gates, turned to them. */
function pairedRows(
  x: Rows,
  y: Rows,
  width: number,
  pairs: readonly (readonly [number, number])[],
  isSigned: boolean,
): readonly [Rows, Rows] {
  const [first, second] = [new Float32Array(pairs.length * width), new Float32Array(pairs.length * width)];
  for (const [at, [i, j]] of pairs.entries()) {
    const row = x.subarray(i * width, (i + 1) * width);
    first.set(row, at * width);
    second.set(likened(y.subarray(j * width, (j + 1) * width), row, isSigned), at * width);
  }
  return [first, second];
}

/** Columns spread evenly over a matrix, as rows. */
function someColumns(rows: Rows, width: number): Rows {
  const count = rows.length / width;
  const wanted = spread([...Array(width).keys()], HEIGHT);
  const out = new Float32Array(wanted.length * count);
  for (const [to, from] of wanted.entries())
    for (let i = 0; i < count; i++) out[to * count + i] = rows[i * width + from]!;
  return out;
}

/** The row at the length of the other, and turned to it where the sign is free. */
function likened(row: Float32Array, to: Float32Array, isSigned: boolean): Float32Array {
  let [own, other, both] = [0, 0, 0];
  for (let c = 0; c < row.length; c++) {
    own += row[c]! ** 2;
    other += to[c]! ** 2;
    both += row[c]! * to[c]!;
  }
  const factor = own > 0 ? Math.sqrt(other / own) * (isSigned || both >= 0 ? 1 : -1) : 0;
  return row.map((x) => x * factor);
}

function nearestNeurons(a: NeuronViews, b: NeuronViews): readonly (readonly [number, number])[] {
  const [n, m] = [a.neurons, b.neurons];
  const sum = new Float32Array(n * m);
  for (const role of ROLES) {
    const [x, y] = [a[role], b[role]];
    if (x === null || y === null) continue;
    const shape = { rows: n, depth: a.width, columns: m, transposedB: true } as const;
    const cosines = matmul(unitRows(x, a.width), unitRows(y, b.width), shape);
    for (let i = 0; i < sum.length; i++) sum[i]! += role === "gate" ? cosines[i]! : Math.abs(cosines[i]!);
  }
  return nearestByCosine(sum, n, m);
}
