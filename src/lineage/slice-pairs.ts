import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import { describeAnatomy } from "../anatomy/describe.ts";
import { takeTurn } from "../bytes/turn.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { MatrixSketch, Slice } from "../fingerprint/fingerprint.ts";
import { sliceRanges } from "../fingerprint/reading-plan.ts";
import { sketched } from "../fingerprint/sampling.ts";
import { sliceMatrix } from "../fingerprint/slice.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { fetchedAhead, inBatches } from "../rows/batches.ts";
import { holdRanges } from "../rows/held-ranges.ts";
import { RowReader } from "../rows/row-reader.ts";
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
  signal?: AbortSignal,
): Promise<SliceRetention[]> {
  const sides = { suspect: sliceIndex(suspect), base: sliceIndex(base) };
  const out: SliceRetention[] = [];
  const missing: MatrixPair[] = [];
  for (const pair of pairs) {
    const s = sides.suspect.get(pair.suspect);
    const b = sides.base.get(pair.base);
    if (s && b) {
      await takeTurn(signal);
      push(out, s, b, pair.base);
    } else if ((s || suspect.checkpoint) && (b || base.checkpoint)) missing.push(pair);
  }
  if (out.length >= ENOUGH) return out;
  missing.sort((x, y) => Number(sides.base.has(y.base)) - Number(sides.base.has(x.base)));
  const wanted = missing.slice(0, MAX_SLICES - out.length);
  const unknown = (known: ReadonlyMap<MatrixSketch, Slice>, side: "suspect" | "base"): MatrixSketch[] =>
    wanted.flatMap((pair) => (known.has(pair[side]) ? [] : [pair[side]]));
  const read = {
    suspect: await readSlices(suspect, unknown(sides.suspect, "suspect")),
    base: await readSlices(base, unknown(sides.base, "base")),
  };
  for (const pair of wanted) {
    const s = sides.suspect.get(pair.suspect) ?? read.suspect.get(pair.suspect);
    const b = sides.base.get(pair.base) ?? read.base.get(pair.base);
    await takeTurn(signal);
    if (s && b) push(out, s, b, pair.base);
  }
  return out;
}

function push(out: SliceRetention[], suspect: Slice, base: Slice, matrix: MatrixSketch): void {
  if (suspect.width !== base.width || suspect.height !== base.height || suspect.firstRow !== base.firstRow) return;
  const retention = retentionOf(suspect, base, matrix);
  if (retention) out.push(retention);
}

/** Pairs are judged again on fewer axes, or laid over each other by content: the slices stay the same. */
const judged = new WeakMap<Slice, WeakMap<Slice, SliceRetention | null>>();

function retentionOf(suspect: Slice, base: Slice, matrix: MatrixSketch): SliceRetention | null {
  let ofSuspect = judged.get(suspect);
  if (ofSuspect === undefined) {
    ofSuspect = new WeakMap();
    judged.set(suspect, ofSuspect);
  }
  let retention = ofSuspect.get(base);
  if (retention === undefined) {
    retention = sliceRetention(suspect, base, matrix);
    ofSuspect.set(base, retention);
  }
  return retention;
}

function sliceIndex({ fingerprint }: Subject): Map<MatrixSketch, Slice> {
  return new Map(fingerprint.slices.map((s) => [fingerprint.sketches[s.sketch]!, s]));
}

/** A model has many stacks, and each may lack slices: its tensors are described once. */
const described = new WeakMap<Checkpoint, readonly CanonicalTensor[]>();

/** The matrix behind each sketch of a fingerprint, in order, by the same rule that made it. */
function matricesOf(checkpoint: Checkpoint): readonly CanonicalTensor[] {
  let matrices = described.get(checkpoint);
  if (matrices === undefined) {
    const all = describeAnatomy(checkpoint.tensors, checkpoint.config).matrices;
    matrices = sketched(all.filter((m) => holdsValues(checkpoint.tensors.get(m.tensor)!.dtype)));
    described.set(checkpoint, matrices);
  }
  return matrices;
}

/** Slices of the matrices behind the given sketches, from the weights; a source far away is asked for all at once. */
async function readSlices(
  { checkpoint, fingerprint }: Subject,
  sketches: readonly MatrixSketch[],
): Promise<Map<MatrixSketch, Slice>> {
  const slices = new Map<MatrixSketch, Slice>();
  if (checkpoint === null || sketches.length === 0) return slices;
  const all = matricesOf(checkpoint);
  const wanted = [...new Set(sketches)].flatMap((sketch) => {
    const index = fingerprint.sketches.indexOf(sketch);
    return index >= 0 && index < all.length ? [{ sketch, index, matrix: all[index]! }] : [];
  });
  const reader = new RowReader(checkpoint);
  const batches = fetchedAhead(
    inBatches(wanted, ({ matrix }) => sliceRanges(reader, matrix)),
    ({ ranges }) => holdRanges(checkpoint, ranges),
    ({ alone }) => alone,
  );
  for await (const [{ items }, held] of batches) {
    reader.held = held;
    for (const { sketch, index, matrix } of items) {
      const slice = await sliceMatrix(reader, matrix, index);
      if (slice) slices.set(sketch, slice);
    }
  }
  return slices;
}
