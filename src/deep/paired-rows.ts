import { type NeuronRole, type PairedSide, pairedSides, type SeenNetworks } from "./neuron-pairs.ts";
import { lengthOf } from "./take.ts";

/** Rows of neurons that belong together, [neurons x width] of both models, row by row. */
export interface PairedRows {
  readonly role: NeuronRole;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** One side of a layer: rows of the neurons that it paired, of the views that it paired by and of those that are measured. */
export interface SideRows {
  readonly width: number;
  readonly by: readonly PairedRows[];
  readonly measured: readonly PairedRows[];
}

/** What of two networks takes part in their slices: a few hundred neurons, however many there are. */
export function sideRows(networks: SeenNetworks): readonly SideRows[] {
  return pairedSides(networks).map((side) => ({
    width: networks.a.width,
    by: side.by.map((role) => pairedRows(networks, side, role)),
    measured: side.measured.map((role) => pairedRows(networks, side, role)),
  }));
}

/**
 * The rows of one view of paired neurons. What a neuron reads and writes may carry factors that cancel, and beside a gate a sign:
 * the second model's are brought to the balance of the first's, by lengths alone, so that what both grew by stays, and turned as
 * the other view says, so that nothing is turned to agree with what it is held against. Where lengths say nothing, all rows are
 * brought to those of the first's, which takes what they grew by as well.
 */
function pairedRows({ a, b, measurable }: SeenNetworks, { pairs }: PairedSide, role: NeuronRole): PairedRows {
  const { width } = a;
  const row = (rows: Float32Array, i: number): Float32Array => rows.subarray(i * width, (i + 1) * width);
  const out = { role, a: new Float32Array(pairs.length * width), b: new Float32Array(pairs.length * width) };
  const [reads, writes, gate] = [both(a.up, b.up), both(a.down, b.down), both(a.gate, b.gate)];
  for (const [at, [i, j]] of pairs.entries()) {
    const growth = (of: Both | null): number => (of === null ? 1 : grown(row(of[0], i), row(of[1], j)));
    let factor = measurable ? 1 : 1 / grown(row(a[role]!, i), row(b[role]!, j));
    // Without what it writes, a neuron is taken to read as much more as opens it.
    if (measurable && role === "up" && writes === null) factor = growth(gate) / growth(reads);
    else if (measurable && role !== "gate" && reads !== null && writes !== null) {
      const balance = Math.sqrt(growth(writes) / growth(reads));
      factor = role === "up" ? balance : 1 / balance;
    }
    if (role !== "gate" && gate !== null) {
      const other = role === "up" ? (writes ?? reads)! : reads!;
      if (product(row(other[0], i), row(other[1], j)) < 0) factor = -factor;
    }
    out.a.set(row(a[role]!, i), at * width);
    out.b.set(row(b[role]!, j), at * width);
    for (let k = at * width; k < (at + 1) * width; k++) out.b[k]! *= factor;
  }
  return out;
}

type Both = readonly [Float32Array, Float32Array];

function both(a: Float32Array | null, b: Float32Array | null): Both | null {
  return a === null || b === null ? null : [a, b];
}

/** How much longer the second is; 1 where one of them is nothing. */
function grown(first: Float32Array, second: Float32Array): number {
  const [own, other] = [lengthOf(first), lengthOf(second)];
  return own > 0 && other > 0 ? other / own : 1;
}

function product(x: Float32Array, y: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
