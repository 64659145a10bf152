import { MIN_SLICES, type Retention, showsTraining } from "./learned-retention.ts";
import { type Axis, axisOf, rowPairs } from "./matrix-pair.ts";
import { isSimple } from "./modest-training.ts";
import type { Pairing } from "./pairing.ts";
import { LOG10_THRESHOLD } from "./result.ts";
import type { Support } from "./support.ts";
import { allSquare } from "./testable.ts";

/** Matrices that a verdict needs at least. */
export const FEWEST = 2;
export const ONE_TENSOR = "only one matrix can be compared, and one tensor decides nothing";

export function usable({ pairs }: Pairing): number {
  return pairs.filter((pair) => axisOf(pair) !== null && rowPairs(pair).length > 0).length;
}

const NO_SHARED =
  "neither shapes nor names tell of any matrix of both that its columns are hidden units of the models' own: only equality is tested; compare whole models, their linears as matrices of two axes (those of one input or output tell nothing)";

export function reasonUntestable(pairing: Pairing, excluded: ReadonlySet<Axis>): string {
  if (excluded.size > 0) return `labels carry an order of their own in both models (${[...excluded].join(", ")})`;
  const testable = pairing.pairs.filter((p) => axisOf(p) !== null);
  if (testable.length === 0) {
    const square = allSquare(pairing.pairs.map(({ base }) => base));
    return square ?? NO_SHARED;
  }
  if (testable.every((p) => rowPairs(p).length === 0)) return "every comparable row is constant or not finite";
  if (usable(pairing) < FEWEST) return ONE_TENSOR;
  return "too few comparable labels";
}

export function reasonTooFew(reach: number): string {
  return `too few rows or labels: the best that these could show is p = 1e${Math.round(reach)}, and a claim needs 1e${LOG10_THRESHOLD}`;
}

export function reasonUnsupported({ agreeing, tested, of }: Support, log10P: number): string {
  const count = agreeing === 0 ? "no single one" : `${agreeing}`;
  const p = `p = 1e${Math.round(log10P)}`;
  return `labels agree (${p}), but ${count} of ${tested} ${of} by itself: a verdict needs agreement over ${of}, not of one tensor`;
}

/** What agrees may have been given, and nothing could be asked that tells. */
export function reasonUnmeasured(log10P: number): string {
  return `labels agree (p = 1e${Math.round(log10P)}), but they may have been given to both models, and no slices of both could be held against each other to tell: compare the weights themselves, at their full width`;
}

/** Equal, and of nobody. */
export const FORMULA =
  "what is equal has not the spectrum of weights that began at random: a transform, filters or another constant of mathematics, which any model may hold";

/** Alike, and of a kind that strangers arrive at. */
export const FITTED =
  "labels agree, but not both models have the spectrum that a random start leaves in what it trains: so do linear maps that strangers fit to the same public models, and orthogonal starts";

/** L over b up to which siblings are usual. */
const STARTS_SHARE = 0.6;

export interface Measured {
  /** Slices that could be compared. */
  readonly slices: number;
  /** Whether the weights of both were at hand, and not fingerprints, which hold some slices only. */
  readonly fromWeights: boolean;
  /** Whether names tell of an attention with its network. */
  readonly isNetwork: boolean;
}

export function reasonSharedInit(retention: Retention | null, { slices, fromWeights, isNetwork }: Measured): string {
  if (retention === null || slices < MIN_SLICES) {
    const more = fromWeights ? "" : ": compare the weights of both, not their fingerprints";
    const found = slices === 1 ? "1 slice is" : `${slices} slices are`;
    return `learned retention takes ${MIN_SLICES} slices, and ${found} comparable, so a common initialisation is not ruled out${more}`;
  }
  if (!showsTraining(retention.forward) && !showsTraining(retention.backward)) {
    return "in neither model do directions that training wrote stand out of the rest: either trained little, or its training wrote all directions alike (Muon) or left none of the initialisation to stand out of, and shared training cannot be told from a common start";
  }
  const { share, bulk } = showsTraining(retention.forward) ? retention.forward : retention.backward;
  const found = `of what training wrote a share of ${share.toFixed(2)} is found again, of the initialisation ${bulk.toFixed(2)}`;
  if (share <= STARTS_SHARE * bulk) return `${found}: a common start explains that`;
  return !isNetwork && isSimple(retention.forward)
    ? `${found}: a small net that learns a simple task learns as much of the same from a common start`
    : `${found}: not evenly enough, or not both ways round, to rule out a common start and first steps alike`;
}

export const GIVEN =
  "labels agree, but they may have been given to both models (by one token table, or by a public model), and nothing of a common start is left";

/** Read alike, and not written alike. */
export const FOREIGN =
  "labels agree, but no matrix of both models that may write them does, row by row: so it is where both models read one public stream, each beside parts of its own, and where whatever writes it was trained anew";
