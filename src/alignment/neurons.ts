import { hammingMatrix, popcount32 } from "../kernels/hamming.ts";
import { NEURON_WORDS } from "./reference.ts";

/** Neurons as they are compared: ReferenceBlock and BlockFeatures. */
export interface NeuronBits {
  readonly neurons: number;
  readonly gated: boolean;
  readonly bits: Uint32Array;
}

/** Where the neurons of a reference block are in the suspect. */
export interface NeuronMap {
  /** Neuron of the suspect, -1 where none was found. Reference neurons long. */
  readonly from: Int32Array;
  /** Sign of up (and down) against the reference. */
  readonly signs: Int8Array;
  /** Mean share of agreeing bits over the neurons that were found; 1 for a copy, .5 for strangers. 0 when none was. */
  readonly agreement: number;
  readonly found: number;
  /** Neurons of the suspect that repeat one that was found, with the reference neuron. */
  readonly twins: readonly (readonly [suspect: number, reference: number])[];
}

const BITS = NEURON_WORDS * 32;
/** In its own place a neuron is believed at 8 standard deviations of a coin. */
const IN_PLACE = 0.75 * BITS;
/** Share of neurons in place from which order is taken to be kept. */
const MOST_STAYED = 0.5;
/** Elsewhere it must beat thousands of rivals as well, and be the nearest from both sides. */
const FOUND = 0.7 * BITS;
const TWIN = 0.85 * BITS;
/** Mean agreement in place above which neurons too noisy to be found one by one are where they were: 50 % is chance. */
const ALL_IN_PLACE = 0.54 * BITS;
/** Of the score of strangers: half of the square root of the bits. */
const DEVIATION = Math.sqrt(BITS) / 2;
const TILE = 256;

/** Agreeing bits of two neurons and the sign of up: gate bits as they are, up bits under the better sign. */
function score(gateDistance: number, upDistance: number, gated: boolean): number {
  if (!gated) return BITS - upDistance;
  const half = BITS / 2;
  return half - gateDistance + Math.max(half - upDistance, upDistance);
}

/** Scores of the same neuron in both, min(a, b) long, and the signs. */
function inPlaceScores(a: NeuronBits, b: NeuronBits): { scores: Float64Array; signs: Int8Array } {
  const count = Math.min(a.neurons, b.neurons);
  const scores = new Float64Array(count);
  const signs = new Int8Array(count).fill(1);
  const first = a.gated ? NEURON_WORDS / 2 : 0;
  for (let i = 0; i < count; i++) {
    let gate = 0;
    let up = 0;
    for (let w = 0; w < NEURON_WORDS; w++) {
      const different = popcount32(a.bits[i * NEURON_WORDS + w]! ^ b.bits[i * NEURON_WORDS + w]!);
      if (w < first) gate += different;
      else up += different;
    }
    scores[i] = score(gate, up, a.gated);
    if (a.gated && up > BITS / 4) signs[i] = -1;
  }
  return { scores, signs };
}

/**
 * How much two blocks have in common, 0 to 1: the better of neurons in place and of a sample of the reference's neurons
 * wherever they are. 0 when it is no more than between strangers.
 */
export function blockLikeness(reference: NeuronBits, suspect: NeuronBits, sample: number): number {
  if (reference.gated !== suspect.gated || reference.neurons === 0 || suspect.neurons === 0) return 0;
  const { scores } = inPlaceScores(reference, suspect);
  // The better of two signs gains a little for strangers too: half the mean absolute deviation of a coin.
  const chance = reference.gated ? 0.4 * Math.sqrt(BITS / 2) : 0;
  const inPlace = scores.reduce((a, b) => a + b, 0) / scores.length - chance;
  const rows = Uint32Array.from(
    { length: Math.min(sample, reference.neurons) },
    (_, i, n = Math.min(sample, reference.neurons)) => Math.floor((i * reference.neurons) / n),
  );
  const columns = Uint32Array.from({ length: suspect.neurons }, (_, i) => i);
  const best = new Float64Array(rows.length);
  forScores(reference, rows, suspect, columns, (i, _, value) => {
    if (value > best[i]!) best[i] = value;
  });
  const anywhere = best.reduce((a, b) => a + b, 0) / best.length;
  const likeness = Math.max(inPlace >= ALL_IN_PLACE ? inPlace : 0, anywhere >= FOUND ? anywhere : 0) / BITS;
  return likeness === 0 ? 0 : 2 * likeness - 1;
}

/** Finds every neuron of the reference block: in its place if it is there, else as mutual nearest neighbours. */
export function matchNeurons(reference: NeuronBits, suspect: NeuronBits): NeuronMap {
  const from = new Int32Array(reference.neurons).fill(-1);
  const signs = new Int8Array(reference.neurons).fill(1);
  const agreements = new Float64Array(reference.neurons);
  const used = new Uint8Array(suspect.neurons);
  const twins: (readonly [number, number])[] = [];
  if (reference.gated === suspect.gated) {
    const inPlace = inPlaceScores(reference, suspect);
    const accept = (i: number, j: number, sign: number, agreement: number): void => {
      from[i] = j;
      signs[i] = sign;
      agreements[i] = agreement;
      used[j] = 1;
    };
    // Where few are, neurons that learned one direction stand in each other's place.
    const stayed = inPlace.scores.reduce((count, value) => count + Number(value >= IN_PLACE), 0);
    if (stayed >= MOST_STAYED * inPlace.scores.length) {
      inPlace.scores.forEach((value, i) => {
        if (value >= IN_PLACE) accept(i, i, inPlace.signs[i]!, value);
      });
    }
    mutual(reference, suspect, { from, used }, accept);
    let open = 0;
    let sum = 0;
    inPlace.scores.forEach((value, i) => {
      if (from[i]! >= 0 || used[i] === 1) return;
      open++;
      sum += value;
    });
    if (open > 0 && sum / open >= ALL_IN_PLACE + (3 * DEVIATION) / Math.sqrt(open)) {
      inPlace.scores.forEach((value, i) => {
        if (from[i]! < 0 && used[i] === 0) accept(i, i, inPlace.signs[i]!, value);
      });
    }
    twins.push(...findTwins(reference, suspect, { from, used }));
  }
  let found = 0;
  let total = 0;
  for (let i = 0; i < from.length; i++) {
    if (from[i]! < 0) continue;
    found++;
    total += agreements[i]!;
  }
  return { from, signs, agreement: found === 0 ? 0 : total / found / BITS, found, twins };
}

interface Taken {
  readonly from: Int32Array;
  readonly used: Uint8Array;
}

function mutual(
  reference: NeuronBits,
  suspect: NeuronBits,
  { from, used }: Taken,
  accept: (i: number, j: number, sign: number, agreement: number) => void,
): void {
  const rows = Uint32Array.from(from.keys()).filter((i) => from[i]! < 0);
  const columns = Uint32Array.from(used.keys()).filter((j) => used[j] === 0);
  if (rows.length === 0 || columns.length === 0) return;
  const best = new Float64Array(rows.length);
  const choice = new Int32Array(rows.length).fill(-1);
  const signs = new Int8Array(rows.length);
  const bestColumn = new Float64Array(columns.length);
  const columnChoice = new Int32Array(columns.length).fill(-1);
  forScores(reference, rows, suspect, columns, (i, j, value, sign) => {
    if (value > best[i]!) {
      best[i] = value;
      choice[i] = j;
      signs[i] = sign;
    }
    if (value > bestColumn[j]!) {
      bestColumn[j] = value;
      columnChoice[j] = i;
    }
  });
  choice.forEach((j, i) => {
    if (j >= 0 && columnChoice[j] === i && best[i]! >= FOUND) accept(rows[i]!, columns[j]!, signs[i]!, best[i]!);
  });
}

function findTwins(reference: NeuronBits, suspect: NeuronBits, { from, used }: Taken): [number, number][] {
  const rows = Uint32Array.from(from.keys()).filter((i) => from[i]! >= 0);
  const columns = Uint32Array.from(used.keys()).filter((j) => used[j] === 0);
  if (rows.length === 0 || columns.length === 0) return [];
  const best = new Float64Array(columns.length);
  const choice = new Int32Array(columns.length).fill(-1);
  forScores(reference, rows, suspect, columns, (i, j, value) => {
    if (value <= best[j]!) return;
    best[j] = value;
    choice[j] = i;
  });
  const twins: [number, number][] = [];
  choice.forEach((i, j) => {
    if (i >= 0 && best[j]! >= TWIN) twins.push([columns[j]!, rows[i]!]);
  });
  return twins;
}

/** Calls `use` with indices into `rows` and `columns`, score and sign for all pairs, in order. */
function forScores(
  a: NeuronBits,
  rows: Uint32Array,
  b: NeuronBits,
  columns: Uint32Array,
  use: (row: number, column: number, value: number, sign: number) => void,
): void {
  const words = NEURON_WORDS / 2;
  const cut = ({ bits }: NeuronBits, chosen: Uint32Array, half: 0 | 1): Uint32Array => {
    const out = new Uint32Array(chosen.length * words);
    chosen.forEach((neuron, i) => {
      const start = neuron * NEURON_WORDS + half * words;
      out.set(bits.subarray(start, start + words), i * words);
    });
    return out;
  };
  const [gates, ups] = [cut(b, columns, 0), cut(b, columns, 1)];
  const { gated } = a;
  for (let first = 0; first < rows.length; first += TILE) {
    const chosen = rows.subarray(first, first + TILE);
    const gate = hammingMatrix(cut(a, chosen, 0), chosen.length, gates, columns.length, words);
    const up = hammingMatrix(cut(a, chosen, 1), chosen.length, ups, columns.length, words);
    for (let i = 0, at = 0; i < chosen.length; i++) {
      for (let j = 0; j < columns.length; j++, at++) {
        if (gated) use(first + i, j, score(gate[at]!, up[at]!, true), up[at]! > BITS / 4 ? -1 : 1);
        else use(first + i, j, BITS - gate[at]! - up[at]!, 1);
      }
    }
  }
}
