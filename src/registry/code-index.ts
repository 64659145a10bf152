import type { LayerCode } from "../fingerprint/fingerprint.ts";

const CODE_BITS = 256;
const CODE_WORDS = CODE_BITS / 32;

/** What of a layer code the search uses: names and layer numbers are the suspect's to choose, so they play no part. */
export type SearchCode = Pick<LayerCode, "role" | "cols" | "code">;

/** Codes of all bases that may be compared with one another: same role, same width. */
interface CodeGroup {
  /** 8 words a code. */
  readonly words: Uint32Array;
  /** Index of the base each code belongs to, ascending. */
  readonly owner: Uint32Array;
}

export interface CodeIndex {
  readonly bases: number;
  readonly groups: ReadonlyMap<string, CodeGroup>;
}

function groupKey(code: SearchCode): string {
  return `${code.role}/${code.cols}`;
}

function wordsOf(code: Uint8Array): Uint32Array {
  const words = new Uint32Array(CODE_WORDS);
  for (let i = 0; i < code.length; i++) words[i >> 2]! |= code[i]! << (8 * (i & 3));
  return words;
}

/** Groups the codes of all bases for the scan; `bases[i]` are the codes of base i. */
export function buildCodeIndex(bases: readonly (readonly SearchCode[])[]): CodeIndex {
  const collected = new Map<string, { words: Uint32Array[]; owner: number[] }>();
  bases.forEach((codes, base) => {
    for (const code of codes) {
      const key = groupKey(code);
      const group = collected.get(key) ?? { words: [], owner: [] };
      collected.set(key, group);
      group.words.push(wordsOf(code.code));
      group.owner.push(base);
    }
  });
  const groups = new Map<string, CodeGroup>();
  for (const [key, { words, owner }] of collected) {
    const packed = new Uint32Array(words.length * CODE_WORDS);
    words.forEach((code, i) => {
      packed.set(code, i * CODE_WORDS);
    });
    groups.set(key, { words: packed, owner: Uint32Array.from(owner) });
  }
  return { bases: bases.length, groups };
}

function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Mean and standard deviation of the smallest of K distances between independent random codes. */
interface NullMoments {
  readonly mean: number;
  readonly sd: number;
}

const nullByCount = new Map<number, NullMoments>();

/** Exact for K independent Binomial(256, 1/2) distances: E[min] = sum over d of P(min > d). */
export function nullOfSmallest(count: number): NullMoments {
  const known = nullByCount.get(count);
  if (known !== undefined) return known;
  let logMass = -CODE_BITS * Math.LN2;
  let cumulative = 0;
  let first = 0;
  let second = 0;
  for (let d = 0; d < CODE_BITS; d++) {
    cumulative += Math.exp(logMass);
    logMass += Math.log((CODE_BITS - d) / (d + 1));
    const beyond = Math.max(0, 1 - cumulative) ** count;
    first += beyond;
    second += (2 * d + 1) * beyond;
  }
  const moments = { mean: first, sd: Math.sqrt(Math.max(second - first * first, 1e-6)) };
  nullByCount.set(count, moments);
  return moments;
}

/**
 * How much closer each base's layers are to the suspect's than random codes would be: for every suspect code the
 * nearest of the base's codes of the same role and width, standardised, summed, and divided by the square root of
 * their number. About N(0,1) for an unrelated base; null where nothing could be compared. Exhaustive, so exact.
 */
export function scoreBases(index: CodeIndex, suspect: readonly SearchCode[]): (number | null)[] {
  const sum = new Float64Array(index.bases);
  const compared = new Uint32Array(index.bases);
  for (const query of suspect) {
    const group = index.groups.get(groupKey(query));
    if (group !== undefined) scanGroup(group, wordsOf(query.code), sum, compared);
  }
  return Array.from(sum, (total, base) => (compared[base] === 0 ? null : total / Math.sqrt(compared[base]!)));
}

/** Adds one suspect code's standardised nearest distance to every base of the group. */
function scanGroup(group: CodeGroup, query: Uint32Array, sum: Float64Array, compared: Uint32Array): void {
  const { words, owner } = group;
  for (let i = 0; i < owner.length; ) {
    const base = owner[i]!;
    const start = i;
    let smallest = CODE_BITS;
    for (; i < owner.length && owner[i] === base; i++) {
      let distance = 0;
      const at = i * CODE_WORDS;
      for (let w = 0; w < CODE_WORDS; w++) distance += popcount(words[at + w]! ^ query[w]!);
      if (distance < smallest) smallest = distance;
    }
    const { mean, sd } = nullOfSmallest(i - start);
    sum[base]! += (mean - smallest) / sd;
    compared[base]!++;
  }
}
