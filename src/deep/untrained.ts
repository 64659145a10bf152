import { tokenHash } from "../alignment/token-hashes.ts";
import type { DeepModel } from "./deep-model.ts";
import { lengthOf } from "./take.ts";

/** Names that tokenizers give to tokens which no text has, and bytes that UTF-8 never has. */
const BYTES = [0xc0, 0xc1, ...Array.from({ length: 11 }, (_, i) => 0xf5 + i)];
const NUMBERED: readonly (readonly [string, string, number])[] = [
  ["[unused", "]", 1000],
  ["<unused", ">", 6300],
  ["<|reserved_special_token_", "|>", 256],
  ["<|reserved_token_", "|>", 256],
  ["<reserved_", ">", 1000],
  ["<|unused_token_", "|>", 1000],
  ["<extra_id_", ">", 100],
  ["<SPECIAL_", ">", 1000],
  ["<|extra_", "|>", 256],
  ["<|dummy_", "|>", 256],
];
/** Rows of the head that point where those of tokens point which never were a target. */
const SAME_PUSH = 0.95;
const FEW = 16;
const SMALLEST_SHARE = 1 / 50;
/** Numbers of a head that are held: a file must not decide how much memory is used. */
const MAX_NUMBERS = 1 << 26;

/**
 * Tokens of the base that no text of its training had, as far as names or the head tell: by any rule that does not look at the
 * order of rows. Names first; else rows of an untied head along the common direction of those with the smallest embeddings,
 * for which both tables are read whole.
 *
 * @param isNear whether so much may be read
 */
export async function untrainedTokens(base: DeepModel, isNear = true): Promise<readonly number[]> {
  const named = namedUntrained(base);
  return named.length >= FEW || base.head === null || !isNear ? named : pushedAlike(base);
}

let names: ReadonlySet<string> | null = null;

function untrainedNames(): ReadonlySet<string> {
  if (names !== null) return names;
  const texts = [
    ...BYTES.flatMap((byte) => [`<0x${byte.toString(16).toUpperCase()}>`, String.fromCharCode(byte)]),
    ...NUMBERED.flatMap(([before, after, count]) => Array.from({ length: count }, (_, i) => `${before}${i}${after}`)),
  ];
  names = new Set(texts.map((text) => tokenHash(text).join()));
  return names;
}

function namedUntrained({ texts, vocabulary }: DeepModel): readonly number[] {
  if (texts === null) return [];
  const known = untrainedNames();
  const last = [...texts.keys()].reduce((a, b) => Math.max(a, b), -1);
  const ids = [...texts]
    .filter(([id, [low, high]]) => id < vocabulary && known.has(`${low},${high}`))
    .map(([id]) => id);
  for (let id = last + 1; id < vocabulary; id++) ids.push(id);
  return ids.sort((a, b) => a - b);
}

async function pushedAlike(base: DeepModel): Promise<readonly number[]> {
  const { width } = base;
  const count = Math.min(base.vocabulary, Math.floor(MAX_NUMBERS / width));
  const ids = Array.from({ length: count }, (_, i) => i);
  const norms = new Float64Array(count);
  const head = new Float32Array(count * width);
  const step = Math.max(1, Math.floor((1 << 20) / width));
  for (let first = 0; first < count; first += step) {
    const some = ids.slice(first, first + step);
    const rows = await base.embedding(some);
    head.set(await base.readers(base.head!, some), first * width);
    some.forEach((id, i) => {
      norms[id] = lengthOf(rows.subarray(i * width, (i + 1) * width));
    });
  }
  const units = (id: number): Float32Array => head.subarray(id * width, (id + 1) * width);
  const direction = (chosen: readonly number[]): Float64Array => {
    const sum = new Float64Array(width);
    for (const id of chosen) {
      const row = units(id);
      const size = lengthOf(row);
      for (let j = 0; j < width && size > 0; j++) sum[j]! += row[j]! / size;
    }
    const whole = Math.sqrt(sum.reduce((a, x) => a + x * x, 0));
    return whole > 0 ? sum.map((x) => x / whole) : sum;
  };
  const along = (to: Float64Array): number[] =>
    ids.filter((id) => {
      const row = units(id);
      let dot = 0;
      for (let j = 0; j < width; j++) dot += row[j]! * to[j]!;
      return dot > SAME_PUSH * lengthOf(row);
    });
  let chosen = [...ids]
    .sort((x, y) => norms[x]! - norms[y]! || x - y)
    .slice(0, Math.max(FEW, Math.floor(count * SMALLEST_SHARE)));
  for (let round = 0; round < 4; round++) {
    const next = along(direction(chosen));
    if (next.length === 0) return [];
    chosen = next;
  }
  return chosen;
}
