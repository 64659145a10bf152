import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import { holdsIndices } from "../formats/dtype-kind.ts";
import { isCovered } from "./covered.ts";
import { isZero } from "./damage.ts";
import type { ComponentFinding } from "./finding.ts";
import { schemeOf } from "./image/scheme.ts";
import { laidOver, NEARLY_ALL, type Side } from "./laid-over.ts";
import { asSeen } from "./learned-retention.ts";
import type { Pairing } from "./pairing.ts";
import { isRelated } from "./related.ts";
import { type ComponentVerdict, type Difference, EMBEDDINGS, LOG10_THRESHOLD, type Relation } from "./result.ts";
import { median, type SliceRetention, sliceRetention } from "./retention.ts";
import { equalTensors } from "./same-content.ts";
import { type Stack, stacksOf } from "./stack.ts";
import type { Subject } from "./subject.ts";

/** More zeros than the base by this fraction is pruning; rounding to 3 bits makes a quarter. */
const PRUNED_EXCESS = 0.28;
/** log10 p from which a layer counts as one of the base's, where a depth is called less than it was. */
const LOG10_LAYER = -3;
/** Share of distinct sizes that values keep which were not rounded to a grid. */
const MANY_SIZES = 0.8;
/** Drift of the weights, relative to their size, that fine-tuning does not reach; */
const CONTINUED_DRIFT = 0.35;
/** and beyond which, or with less of the base left than this, a merge is as likely and nothing is named. */
const MIXED_DRIFT = 0.8;
const MIXED_SCALE = 0.6;
/** Share of the base's training that tuning leaves, and that continued pretraining leaves: with less it may be a merge. */
const TUNED_SHARE = 0.94;
const CONTINUED_SHARE = 0.8;
/** More of the base's training than there is: the base is an average with another model, of which the suspect is a part. */
const MOST_SHARE = 1.06;
/** By how much more of a fine-tune's training may be found in its base than the other way round. */
const MORE_BACK = 0.06;
/** Slices that must show a difference of one rank before it is called an adapter's. */
const MIN_LOW_RANK = 2;
/** Matrices whose singular values a result tells. */
const MOST_SPECTRA = 32;
/** Slices whose difference must have directions that stand out before it is called training, as a share of those that differ. */
const TRAINED_SHARE = 0.5;

export function describeDifference(
  { fingerprint: suspect, checkpoint }: Subject,
  { fingerprint: base, checkpoint: other }: Subject,
  findings: readonly ComponentFinding[],
): Difference {
  const slices = findings.flatMap((finding) => finding.slices);
  // A mark turns signs of rows, and nothing else: as they lie, no two would be further apart.
  const seen = slices.map(asSeen);
  const said = checkpoint === null ? "" : schemeOf(checkpoint);
  const isOwn = said !== "" && (other === null || schemeOf(other) !== said);
  // What a file says of itself comes before what its values look like.
  const grid = isOwn ? said : gridOf(suspect, base);
  // Rounding to a grid is a difference too, and no adapter's.
  const low = grid === null ? adapterRank(slices) : null;
  const rank = low !== null && keepsVectors(suspect, base) ? low : null;
  const { equal, compared } = equalTensors(suspect, base);
  // Of strangers a drift would be the size of all they are.
  const matrices = findings.filter(isRelated).flatMap(({ verdict: { component }, slices: own }) => {
    return own.map((slice) => ({ component, layer: slice.layer, role: slice.role, drift: asSeen(slice).drift }));
  });
  return {
    scale: median(seen.map((s) => s.scale)),
    reverseScale: median(seen.map((s) => s.reverseScale)),
    drift: median(seen.map((s) => s.drift)),
    frozenTensors: equal,
    comparedTensors: compared,
    ...(rank === null ? {} : { loraRank: rank }),
    ...(grid === null ? {} : { quantization: grid }),
    ...(rank === null ? {} : { spectra: spectraOf(findings) }),
    ...(matrices.length === 0 ? {} : { matrices }),
  };
}

/** What the sketches and slices show of how a derived suspect was made; what they do not show is not said. */
export function describeRelations(
  { fingerprint: suspect }: Subject,
  { fingerprint: base, checkpoint }: Subject,
  findings: readonly ComponentFinding[],
  difference: Difference,
): Relation[] {
  const relations = layerRelations(findings, suspect, base);
  if (hasMoreTokens(findings)) relations.push("vocabulary-extended");
  if (difference.quantization !== undefined || isNarrower(suspect, base)) relations.push("quantized");
  else if (isPruned(suspect, base)) relations.push("pruned");
  else if (!isWholeChange(suspect, base, findings)) return relations;
  else if (difference.loraRank !== undefined) relations.push("lora");
  // What lies on a coarse grid was rounded to it: of such a base the suspect is the original as likely as anything.
  const isSaid = checkpoint !== null && schemeOf(checkpoint) !== "";
  const isRounded =
    isSaid || gridOf(base, suspect) !== null || hasFewerSizes(suspect, base) || hasFewerSizes(base, suspect);
  if (relations.length === 0 && !isRounded) relations.push(...trainingOf(findings));
  return relations;
}

/**
 * Whether what agrees is the whole of the models, layer over layer and matrix over matrix of one shape: how a part was
 * changed does not say how the model was made.
 */
function isWholeChange(suspect: Fingerprint, base: Fingerprint, findings: readonly ComponentFinding[]): boolean {
  if (!isCovered(suspect, findings, "suspect") || !isCovered(base, findings, "base")) return false;
  if (isFoundTwice(findings) || findings.some(isAnother)) return false;
  const stackOf = (fp: Fingerprint, name: string) => stacksOf(fp).find((stack) => stack.name === name);
  return findings.every(({ pairing, support }) => {
    if (support !== null && !support.whole) return false;
    if (pairing.component === EMBEDDINGS) return true;
    const [left, right] = [stackOf(suspect, pairing.suspectComponent), stackOf(base, pairing.component)];
    const layers = [left, right].map((stack) => stack?.layers.length ?? 0);
    if (pairing.layers.length > 0 && layers.some((count) => count !== pairing.layers.length)) return false;
    // Experts that stand where one network stood were made otherwise than the rest.
    if (pairing.isChosen !== true && left !== undefined && right !== undefined) {
      if (!isLaidOver(pairing, "suspect", left, right) || !isLaidOver(pairing, "base", right, left)) return false;
    }
    return pairing.pairs.every((pair) => pair.suspect.rows === pair.base.rows && pair.suspect.cols === pair.base.cols);
  });
}

/** Whether a part is another model's, however small it is. */
function isAnother({ pairing, verdict: { verdict } }: ComponentFinding): boolean {
  return verdict === "no-evidence" && pairing.component !== EMBEDDINGS;
}

function isLaidOver(pairing: Pairing, side: Side, own: Stack, other: Stack): boolean {
  const size = [...laidOver(pairing, side, own, other).values()].reduce((sum, one) => sum + one, 0);
  return size >= NEARLY_ALL * own.parameters;
}

/**
 * Whether a stack of the one is two of the other, as where a file holds weights and their running average: what makes these
 * two differ was not done to the file that has one of them.
 */
function isFoundTwice(findings: readonly ComponentFinding[]): boolean {
  const related = findings.filter(isRelated);
  return (["suspectComponent", "component"] as const).some(
    (side) => new Set(related.map(({ pairing }) => pairing[side])).size < related.length,
  );
}

/** What the layer maps say: layers that are missing, used again, or in another order. */
export function layerRelations(
  findings: readonly ComponentFinding[],
  suspect: Fingerprint,
  base: Fingerprint,
): Relation[] {
  const relations = new Set<Relation>();
  const related = findings.filter(
    ({ pairing, verdict: { verdict } }) =>
      pairing.layers.length > 0 && verdict !== "no-evidence" && verdict !== "not-testable",
  );
  for (const name of new Set(related.map(({ pairing }) => pairing.component))) {
    // One stack may have been stored as several, or several times.
    const parts = related.filter(({ pairing }) => pairing.component === name);
    const stack = stacksOf(base).find((one) => one.name === name);
    const own = stacksOf(suspect).filter((one) => parts.some(({ pairing }) => pairing.suspectComponent === one.name));
    if (stack === undefined || own.length === 0) continue;
    const found = parts.flatMap(({ pairing }) =>
      pairing.layers
        .filter(({ log10P }) => (log10P ?? LOG10_LAYER) <= LOG10_LAYER)
        .map((hit) => `${pairing.suspectComponent} ${hit.suspect}`),
    );
    const isRepeated = parts.some(({ pairing }) => {
      const count = (of: "suspect" | "base"): number => new Set(pairing.layers.map((hit) => hit[of])).size;
      return count("suspect") > count("base");
    });
    const layers = own.reduce((n, one) => n + one.layers.length, 0);
    const isReordered = parts.some(({ pairing }) => {
      const matched = [...pairing.layers].sort((a, b) => a.suspect - b.suspect).map((hit) => hit.base);
      return matched.some((number, k) => k > 0 && number < matched[k - 1]!);
    });
    // With a layer that is not the base's it is another model, whatever its depth.
    const isAll = new Set(found).size === layers;
    if (isRepeated) {
      if (layers > stack.layers.length) relations.add("depth-upscaled");
    } else if (layers < stack.layers.length && isAll && isCovered(suspect, findings, "suspect")) {
      relations.add("depth-pruned");
    } else if (isReordered) relations.add("layers-reordered");
  }
  return [...relations];
}

/** What training did to matrices as they lie: of turned ones no difference is asked for what it was made by. */
function trainingOf(findings: readonly ComponentFinding[]): Relation[] {
  if (findings.some(({ isSimple }) => isSimple)) return [];
  const slices = findings.flatMap((finding) => finding.slices);
  const [drift, scale] = [median(slices.map((s) => s.drift)), median(slices.map((s) => s.scale))];
  if (drift === null || scale === null || drift === 0 || drift > MIXED_DRIFT || scale < MIXED_SCALE) return [];
  const shares = findings.flatMap(({ verdict }) => (verdict.retention === null ? [] : [verdict.retention]));
  if (shares.length === 0 || Math.max(...shares) > MOST_SHARE) return [];
  const changed = slices.filter(({ rank }) => rank.kind !== "none");
  const trained = changed.filter(({ rank: { kind } }) => kind === "full" || kind === "low");
  if (trained.length < MIN_LOW_RANK || trained.length < TRAINED_SHARE * changed.length) return [];
  // Other matrices may have been scaled, which is no training.
  const isContinued = median(trained.map((slice) => slice.drift))! > CONTINUED_DRIFT;
  if (Math.min(...shares) < (isContinued ? CONTINUED_SHARE : TUNED_SHARE)) return [];
  // The other way about it is an earlier state of the base.
  const most = isContinued ? 0 : MORE_BACK;
  if (findings.some(({ verdict: { learned } }) => learned !== null && backMore(learned) > most)) return [];
  return [isContinued ? "continued-pretraining" : "fine-tune"];
}

function backMore({ baseInSuspect, suspectInBase }: NonNullable<ComponentVerdict["learned"]>): number {
  return suspectInBase.share - baseInSuspect.share;
}

/**
 * Whether the norms and token tables are the base's, up to rounding. An adapter of linears leaves them alone; a full
 * fine-tune moves them, though most of what it does to a matrix may be too small for int8 slices to resolve. Of a table that got
 * more rows, what its slice shows is all that can be asked.
 */
function keepsVectors(suspect: Fingerprint, base: Fingerprint): boolean {
  const images = new Set(
    base.tensors.flatMap(({ values }) => (values === null ? [] : [values.f32, values.f16, values.bf16])),
  );
  const isKeptLonger = keepsTable(suspect, base);
  const tables = base.tensors.filter(({ component }) => component === EMBEDDINGS);
  const isLonger = (shape: readonly number[]): boolean =>
    shape.length === 2 && tables.some((table) => table.shape[1] === shape[1] && table.shape[0]! < shape[0]!);
  return suspect.tensors.every(({ dtype, shape, component, values, uniform }) => {
    const isVector = shape.length === 1 && shape[0]! > 1 && !holdsIndices(dtype);
    const isKept = isVector || component === EMBEDDINGS;
    if (!isKept || values === null || uniform) return true;
    if ([values.f32, values.f16, values.bf16].some((digest) => images.has(digest))) return true;
    return isKeptLonger && isLonger(shape);
  });
}

/** Whether the slices of the two token tables are the same rows, and equal up to rounding. */
function keepsTable(suspect: Fingerprint, base: Fingerprint): boolean {
  const sliceIn = ({ sketches, slices }: Fingerprint) =>
    slices.find(({ sketch }) => sketches[sketch]?.role === "embed");
  const [own, other] = [sliceIn(suspect), sliceIn(base)];
  if (own === undefined || other === undefined) return false;
  if (own.firstRow !== other.firstRow || own.height !== other.height || own.width !== other.width) return false;
  return sliceRetention(own, other, { role: "embed", layer: -1 })?.rank.kind === "none";
}

/** The rank that most differences have, where two at least agree on it and none is larger or of no low rank. */
function adapterRank(slices: readonly SliceRetention[]): number | null {
  const inLayers = slices.filter((s) => s.layer >= 0).map((s) => s.rank);
  if (inLayers.some(({ kind }) => kind === "full" || kind === "noise" || kind === "rule")) return null;
  const ranks = inLayers.flatMap((one) => (one.kind === "low" ? [one.rank] : []));
  const largest = Math.max(0, ...ranks);
  const agreeing = ranks.filter((rank) => rank === largest).length;
  return agreeing < MIN_LOW_RANK || 2 * agreeing < ranks.length ? null : largest;
}

function spectraOf(findings: readonly ComponentFinding[]): NonNullable<Difference["spectra"]> {
  const all = findings.flatMap(({ verdict: { component }, slices }) => {
    const inLayers = slices.filter(({ layer }) => layer >= 0);
    return inLayers.flatMap(({ layer, role, rank }) =>
      rank.kind === "low" ? [{ component, layer, role, values: rank.spectrum }] : [],
    );
  });
  return all.slice(0, MOST_SPECTRA);
}

/** Quantisation grid that most of the suspect's matrices lie on and the base's do not. */
function gridOf(suspect: Fingerprint, base: Fingerprint): string | null {
  const label = (fp: Fingerprint): string | null => {
    const counts = new Map<string, number>();
    const inLayers = fp.sketches.filter((s) => s.layer >= 0 || s.role === "unknown");
    for (const s of inLayers) if (s.moments.grid) counts.set(s.moments.grid, (counts.get(s.moments.grid) ?? 0) + 1);
    const [top] = [...counts].sort((a, b) => b[1] - a[1]);
    return top && top[1] * 2 > inLayers.length ? top[0] : null;
  };
  const found = label(suspect);
  return found === label(base) ? null : found;
}

/** Whether the base's tokens are found in a table that has more. */
function hasMoreTokens(findings: readonly ComponentFinding[]): boolean {
  return findings.some(
    ({ pairing, verdict: { log10P } }) =>
      pairing.component === EMBEDDINGS &&
      log10P !== null &&
      log10P <= LOG10_THRESHOLD &&
      pairing.pairs.some(({ suspect, base }) => base.role === "embed" && suspect.rows > base.rows),
  );
}

/** Whether the suspect holds values in an 8-bit type and the base does not. */
function isNarrower(suspect: Fingerprint, base: Fingerprint): boolean {
  const hasEight = ({ dtypes }: Fingerprint): boolean => Object.keys(dtypes).some((dtype) => dtype.startsWith("F8"));
  return hasEight(suspect) && !hasEight(base);
}

/** Rounding to a coarse grid makes zeros as well, but of the other values only a few sizes are left. */
function isPruned(suspect: Fingerprint, base: Fingerprint): boolean {
  const zeros = (fp: Fingerprint): number => inMiddle(fp, ({ moments }) => moments.zeroFraction);
  return zeros(suspect) > zeros(base) + PRUNED_EXCESS && sizesOf(suspect) > MANY_SIZES;
}

/** Whether values were rounded to few sizes, on whatever grid: the error of that has directions, if it was fed back. */
function hasFewerSizes(suspect: Fingerprint, base: Fingerprint): boolean {
  return sizesOf(suspect) <= MANY_SIZES && sizesOf(base) > MANY_SIZES;
}

function sizesOf(fingerprint: Fingerprint): number {
  return inMiddle(fingerprint, ({ moments }) => moments.distinct);
}

/** The median over the matrices of layers. Nobody prunes one to nothing and leaves the next as it is: those were lost. */
function inMiddle({ sketches }: Fingerprint, figure: (sketch: MatrixSketch) => number): number {
  return median(sketches.filter((s) => s.layer >= 0 && !isZero(s)).map(figure)) ?? 0;
}
