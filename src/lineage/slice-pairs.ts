import { describeAnatomy } from "../anatomy/describe.ts";
import type { Slice, Sketch } from "../fingerprint/fingerprint.ts";
import { RowReader } from "../fingerprint/row-reader.ts";
import { sliceMatrix } from "../fingerprint/slice.ts";
import type { MatrixPair } from "./matrix-pair.ts";
import { type SliceRetention, sliceRetention } from "./retention.ts";
import type { Subject } from "./subject.ts";

/** Slices read from the weights at most, when the fingerprint holds none of the matched matrices. */
const MAX_EXTRA = 24;
/** With fewer than this many slices the weights are asked, if they are at hand. */
const ENOUGH = 8;

type Place = Pick<Slice | Sketch, "component" | "layer" | "expert" | "role">;
const keyOf = (p: Place): string => `${p.component}/${p.layer}/${p.expert}/${p.role}`;

/** Retention of every base slice whose matrix is matched and whose counterpart in the suspect is known or can be read. */
export async function retentions(
  suspect: Subject,
  base: Subject,
  pairs: readonly MatrixPair[],
): Promise<SliceRetention[]> {
  const baseSlices = index(base.fingerprint.slices);
  const suspectSlices = index(suspect.fingerprint.slices);
  const out: SliceRetention[] = [];
  const missing: { pair: MatrixPair; base: Slice | null; suspect: Slice | null }[] = [];
  for (const pair of pairs) {
    const b = baseSlices.get(keyOf(pair.base)) ?? null;
    const s = suspectSlices.get(keyOf(pair.suspect)) ?? null;
    if (b && s) push(out, s, b);
    else missing.push({ pair, base: b, suspect: s });
  }
  if (out.length >= ENOUGH) return out;
  const useful = missing.filter((m) => (m.base ?? base.checkpoint) && (m.suspect ?? suspect.checkpoint));
  useful.sort((x, y) => Number(y.base !== null) - Number(x.base !== null));
  for (const m of useful.slice(0, MAX_EXTRA - out.length)) {
    const b = m.base ?? (await readSlice(base, m.pair.base));
    const s = m.suspect ?? (await readSlice(suspect, m.pair.suspect));
    if (b && s) push(out, s, b);
  }
  return out;
}

function push(out: SliceRetention[], suspect: Slice, base: Slice): void {
  if (suspect.cols !== base.cols || suspect.height !== base.height || suspect.firstRow !== base.firstRow) return;
  const retention = sliceRetention(suspect, base);
  if (retention) out.push(retention);
}

function index(slices: readonly Slice[]): Map<string, Slice> {
  return new Map(slices.map((s) => [keyOf(s), s]));
}

async function readSlice(subject: Subject, sketch: Sketch): Promise<Slice | null> {
  if (subject.checkpoint === null) return null;
  const { matrices } = describeAnatomy(subject.checkpoint.tensors, subject.checkpoint.config);
  const matrix = matrices.find((m) => keyOf(m) === keyOf(sketch) && m.rows === sketch.rows && m.cols === sketch.cols);
  return matrix ? sliceMatrix(new RowReader(subject.checkpoint), matrix) : null;
}
