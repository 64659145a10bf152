import { describeAnatomy } from "../anatomy/describe.ts";
import type { Sketch, Slice } from "../fingerprint/fingerprint.ts";
import { holdsValues, RowReader } from "../fingerprint/row-reader.ts";
import { sketched } from "../fingerprint/sampling.ts";
import { sliceMatrix } from "../fingerprint/slice.ts";
import type { MatrixPair } from "./matrix-pair.ts";
import { type SliceRetention, sliceRetention } from "./retention.ts";
import type { Subject } from "./subject.ts";

/** Slices read from the weights at most, when a fingerprint holds none of the matched matrices. */
const MAX_SLICES = 24;
/** With fewer than this many slices the weights are asked, if they are at hand. */
const ENOUGH = 8;

/** Retention of every base slice whose matrix is matched and whose counterpart in the suspect is known or can be read. */
export async function retentions(
  suspect: Subject,
  base: Subject,
  pairs: readonly MatrixPair[],
): Promise<SliceRetention[]> {
  const sides = { suspect: sliceIndex(suspect), base: sliceIndex(base) };
  const out: SliceRetention[] = [];
  const missing: MatrixPair[] = [];
  for (const pair of pairs) {
    const s = sides.suspect.get(pair.suspect);
    const b = sides.base.get(pair.base);
    if (s && b) push(out, s, b, pair.base);
    else if ((s || suspect.checkpoint) && (b || base.checkpoint)) missing.push(pair);
  }
  if (out.length >= ENOUGH) return out;
  missing.sort((x, y) => Number(sides.base.has(y.base)) - Number(sides.base.has(x.base)));
  for (const pair of missing.slice(0, MAX_SLICES - out.length)) {
    const s = sides.suspect.get(pair.suspect) ?? (await readSlice(suspect, pair.suspect));
    const b = sides.base.get(pair.base) ?? (await readSlice(base, pair.base));
    if (s && b) push(out, s, b, pair.base);
  }
  return out;
}

function push(out: SliceRetention[], suspect: Slice, base: Slice, matrix: Sketch): void {
  if (suspect.width !== base.width || suspect.height !== base.height || suspect.firstRow !== base.firstRow) return;
  const retention = sliceRetention(suspect, base, matrix);
  if (retention) out.push(retention);
}

function sliceIndex({ fingerprint }: Subject): Map<Sketch, Slice> {
  return new Map(fingerprint.slices.map((s) => [fingerprint.sketches[s.sketch]!, s]));
}

async function readSlice({ checkpoint, fingerprint }: Subject, sketch: Sketch): Promise<Slice | null> {
  if (checkpoint === null) return null;
  const { matrices } = describeAnatomy(checkpoint.tensors, checkpoint.config);
  const index = fingerprint.sketches.indexOf(sketch);
  // The same rule that made the fingerprint gives the matrix behind its index-th sketch.
  const matrix = sketched(matrices.filter((m) => holdsValues(checkpoint.tensors.get(m.tensor)!.dtype)))[index];
  return matrix ? sliceMatrix(new RowReader(checkpoint), matrix, index) : null;
}
