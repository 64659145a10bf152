import type { Fingerprint, Sketch } from "../fingerprint/fingerprint.ts";
import { log10NormalTail } from "../numerics/normal.ts";
import { matchByContent } from "./content-match.ts";
import { bestAlignment, identityAlignment, type LayerAlignment } from "./layer-alignment.ts";
import { type LayerMatrix, layerMatrix } from "./layer-matrix.ts";
import { type MatrixPair, rowPairs } from "./matrix-pair.ts";
import { pairLayers, pairSketches } from "./pair-layers.ts";
import { EMBEDDINGS, type LayerMatch } from "./result.ts";
import { buildStack, stackInner } from "./sign-stack.ts";
import { isMain, type Stack, stacksOf } from "./stack.ts";
import { matchStacks, type StackMatch } from "./stack-match.ts";

/** Tables indexed by tokens that are looked at: more than any model has. */
const MAX_TABLES = 64;
/** A table of fewer rows is of no tokens: stacked norms, types of segments. */
const MIN_TOKENS = 32;

/** A layer of the suspect over a layer of the base, by their numbers. */
export type LayerPair = LayerMatch & { readonly base: number };

/** One way to lay the suspect's matrices over the base's, and how many ways it was chosen from. */
export interface Pairing {
  /** The base's stack, and the suspect's. */
  readonly component: string;
  readonly suspectComponent: string;
  readonly pairs: readonly MatrixPair[];
  /** Which layer lies over which; several where one was stored several times. */
  readonly layers: readonly LayerPair[];
  readonly log10Tried: number;
  /** Whether content, and no name, laid each matrix over its partner. */
  readonly isChosen?: boolean;
  /** Whether it holds matrices that are equal, and nothing else. */
  readonly isEqual?: boolean;
  /** Matrices that were not matched by content, for there are too many of their shape. */
  readonly leftOut?: number;
  /** log10 of the matrices that each one was chosen from by its content, where tests of single matrices count them. */
  readonly log10Candidates?: number;
}

/** Ways to lay each stack over its partner, layer on layer first, then the best alignment; and the token tables. */
export function namedPairings(suspect: Fingerprint, base: Fingerprint): Pairing[][] {
  const [left, right] = [suspect, base].map((fp) =>
    stacksOf(fp).filter((stack) => isTestable(stack) || isMain(stack, stacksOf(fp))),
  ) as [Stack[], Stack[]];
  const out = matchStacks(left, right).map(stackPairings);
  const embeddings = embeddingPairing(suspect, base);
  if (embeddings.pairs.length > 0) out.push([embeddings]);
  return out.filter((ways) => ways.length > 0);
}

/** Tables of positions and kernels of patches beside a model make up no stack that anything could be said of. */
function isTestable({ sketches }: Stack): boolean {
  return sketches.some(({ axis }) => axis !== null);
}

function stackPairings(match: StackMatch): Pairing[] {
  const flat = pairSketches(match.suspect.flat, match.base.flat);
  if (match.suspect.layers.length === 0 || match.base.layers.length === 0) {
    return flat.length === 0 ? [] : [{ ...namesOf(match), pairs: flat, layers: [], log10Tried: match.log10Tried }];
  }
  // The deeper stack is laid over the other one, whichever side it is on.
  const turned = match.suspect.layers.length < match.base.layers.length;
  const [upper, lower] = turned ? [match.base, match.suspect] : [match.suspect, match.base];
  const matrix = layerMatrix(upper.layers, lower.layers);
  const identity = identityAlignment(matrix);
  const best = bestAlignment(matrix);
  const ways = identity === null || same(identity, best) ? [identity ?? best] : [identity, best];
  return ways
    .map((way) => withoutConstants(pairingOf(match, matrix, way, turned, flat), match))
    .filter((pairing) => pairing.pairs.length > 0);
}

/** Rows of an orthogonal basis all have one norm, which weights never do to this accuracy; masks and signs have a few sizes. */
const ONE_NORM = 0.1;
const FEW_SIZES = 0.5;

/** Whether a matrix looks like a constant of mathematics (a Fourier or Hadamard basis, a mask): such are everybody's. */
function isConstant({ moments, cols }: Sketch): boolean {
  return moments.rowNormSpread < ONE_NORM / Math.sqrt(2 * cols) || moments.distinct < FEW_SIZES;
}

/** A fixed basis stored in every layer of both models is nobody's, and one piece of evidence at most. */
function withoutConstants(pairing: Pairing, { suspect, base }: StackMatch): Pairing {
  const count = ({ sketches }: Stack): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { digest } of sketches) counts.set(digest.f32, (counts.get(digest.f32) ?? 0) + 1);
    return counts;
  };
  const [left, right] = [count(suspect), count(base)];
  const pairs = pairing.pairs.filter(({ suspect: { digest: a }, base: { digest: b } }) => {
    return a.f32 !== b.f32 || left.get(a.f32) === 1 || right.get(b.f32) === 1;
  });
  return pairs.length === pairing.pairs.length ? pairing : { ...pairing, pairs };
}

function namesOf({ suspect, base }: StackMatch): Pick<Pairing, "component" | "suspectComponent"> {
  return { component: base.name, suspectComponent: suspect.name };
}

/** One pairing of all matrices by content alone, whatever their names say. */
export function contentPairing(suspect: Fingerprint, base: Fingerprint): Pairing | null {
  const { left, right } = withTwins(suspect, base);
  const { pairs, log10Tried, leftOut } = matchByContent(left, right);
  if (pairs.length === 0 && leftOut === 0) return null;
  return { ...mainNames(suspect, base, right), pairs, layers: [], log10Tried, isChosen: true, leftOut };
}

/**
 * Matrices that are equal wherever they were read, each against its equal; null with fewer than two. Whatever their columns
 * count, and whoever gave them: equal bits come of no common teacher and no common stream.
 */
export function equalPairing(suspect: Fingerprint, base: Fingerprint): Pairing | null {
  const keyOf = (s: Sketch): string => `${s.rows}x${s.cols} ${s.digest.f32}`;
  const classes = { suspect: shapeCounts(suspect), base: shapeCounts(base) };
  const waiting = new Map<string, Sketch[]>();
  for (const s of suspect.sketches) {
    if (s.tokens || s.twin || !s.valid.some(Boolean) || isConstant(s)) continue;
    const list = waiting.get(keyOf(s));
    if (list) list.push(s);
    else waiting.set(keyOf(s), [s]);
  }
  const pairs: MatrixPair[] = [];
  let log10Candidates = 0;
  for (const b of base.sketches) {
    if (b.tokens || b.twin) continue;
    // What is stored several times (a fixed basis in every layer) is one piece of evidence.
    const s = waiting.get(keyOf(b))?.[0];
    if (s === undefined) continue;
    waiting.delete(keyOf(b));
    pairs.push({ suspect: asChannels(s), base: asChannels(b) });
    const shape = `${b.rows}x${b.cols}`;
    log10Candidates = Math.max(log10Candidates, Math.log10(classes.suspect.get(shape)! * classes.base.get(shape)!));
  }
  if (pairs.length < 2) return null;
  const component = commonest(pairs.map((pair) => pair.base.component));
  const suspectComponent = commonest(pairs.map((pair) => pair.suspect.component));
  return {
    component,
    suspectComponent,
    pairs,
    layers: [],
    log10Tried: 0,
    log10Candidates,
    isChosen: true,
    isEqual: true,
  };
}

function commonest(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]![0];
}

function asChannels(sketch: Sketch): Sketch {
  return { ...sketch, axis: "channels", block: sketch.cols };
}

/** Twins (matrices laid the other way) of one side only: with both, one pair of tensors would be two of matrices. */
function withTwins(suspect: Fingerprint, base: Fingerprint): { left: Sketch[]; right: Sketch[] } {
  const bodies = (fp: Fingerprint, twins: boolean): Sketch[] =>
    fp.sketches.filter((s) => !s.tokens && (twins || !s.twin));
  const suspectHas = suspect.sketches.some((s) => s.twin);
  return { left: bodies(suspect, suspectHas), right: bodies(base, !suspectHas) };
}

function mainNames(
  suspect: Fingerprint,
  base: Fingerprint,
  right: readonly Sketch[],
): Pick<Pairing, "component" | "suspectComponent"> {
  return {
    component: stacksOf(base)[0]?.name ?? right[0]!.component,
    suspectComponent: stacksOf(suspect)[0]?.name ?? right[0]!.component,
  };
}

function shapeCounts({ sketches }: Fingerprint): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { rows, cols } of sketches) counts.set(`${rows}x${cols}`, (counts.get(`${rows}x${cols}`) ?? 0) + 1);
  return counts;
}

/** Embeddings and heads by role, else (unnamed) by agreement. A tied head is the embedding again and adds nothing. */
function embeddingPairing(suspect: Fingerprint, base: Fingerprint): Pairing {
  const pairs: MatrixPair[] = [];
  let log10Tried = 0;
  const used = new Set<Sketch>();
  for (const b of tablesOf(base)) {
    const possible = tablesOf(suspect).filter((s) => s.cols === b.cols && !used.has(s));
    const named = possible.filter((s) => s.role === b.role && s.role !== "unknown");
    const found = named.length === 1 ? named[0] : closest(possible, b);
    if (!found) continue;
    used.add(found);
    if (named.length !== 1) log10Tried += Math.log10(possible.length);
    pairs.push({ suspect: found, base: b });
  }
  return { component: EMBEDDINGS, suspectComponent: EMBEDDINGS, pairs, layers: [], log10Tried };
}

/** Token tables, equal ones once, the largest where a file has too many. */
export function tablesOf(fingerprint: Fingerprint): Sketch[] {
  const tables = new Map<string, Sketch>();
  for (const s of fingerprint.sketches) {
    if (s.tokens && s.rows >= MIN_TOKENS && !tables.has(s.digest.f32)) tables.set(s.digest.f32, s);
  }
  return [...tables.values()].sort((a, b) => b.rows * b.cols - a.rows * a.cols).slice(0, MAX_TABLES);
}

function closest(possible: readonly Sketch[], base: Sketch): Sketch | undefined {
  const agreement = (s: Sketch): number => {
    const rows = rowPairs({ suspect: s, base });
    return rows.length === 0 ? 0 : stackInner(buildStack(rows, base.cols)).agreement;
  };
  return possible.map((s) => ({ s, score: agreement(s) })).sort((x, y) => y.score - x.score)[0]?.s;
}

function pairingOf(
  match: StackMatch,
  matrix: LayerMatrix,
  way: LayerAlignment,
  turned: boolean,
  flat: readonly MatrixPair[],
): Pairing {
  const pairs: MatrixPair[] = [...flat];
  const layers: LayerPair[] = [];
  way.map.forEach((j, i) => {
    if (j < 0) return;
    const [upper, lower] = [matrix.suspect[i]!, matrix.base[j]!];
    const [suspect, base] = turned ? [lower, upper] : [upper, lower];
    pairs.push(...pairLayers(suspect, base));
    const at = i * matrix.base.length + j;
    layers.push({
      component: match.base.name,
      suspect: suspect.number,
      base: base.number,
      log10P: log10NormalTail(matrix.z[at]!),
      agreement: matrix.agreement[at]!,
    });
  });
  return { ...namesOf(match), pairs, layers, log10Tried: way.log10Tried + match.log10Tried };
}

/** Every layer of the suspect's stack with the layer of the base that it lies over, or none. */
export function layerMap({ component, suspectComponent, layers }: Pairing, suspect: Fingerprint): LayerMatch[] {
  if (layers.length === 0) return [];
  const stack = stacksOf(suspect).find(({ name }) => name === suspectComponent);
  return (stack?.layers ?? []).flatMap(({ number }): LayerMatch[] => {
    const hits = layers.filter((hit) => hit.suspect === number).sort((a, b) => a.base - b.base);
    return hits.length > 0 ? hits : [{ component, suspect: number, base: null, log10P: null, agreement: null }];
  });
}

function same(a: LayerAlignment, b: LayerAlignment): boolean {
  return a.map.every((x, i) => x === b.map[i]);
}
