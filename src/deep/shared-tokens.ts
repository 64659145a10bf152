import type { DeepModel } from "./deep-model.ts";

/** The same tokens of two models: `a[i]` and `b[i]` are one token's ids. */
export interface SharedTokens {
  readonly how: "ids" | "texts" | "content";
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** By id; by text where both tokenizers are at hand and number their tokens differently. */
export function sharedTokens(a: DeepModel, b: DeepModel): SharedTokens {
  if (a.texts !== null && b.texts !== null && !agree(a.texts, b.texts)) {
    const places = new Map([...b.texts].map(([id, [low, high]]) => [`${low},${high}`, id]));
    const pairs = [...a.texts]
      .map(([id, [low, high]]) => [id, places.get(`${low},${high}`) ?? -1] as const)
      .filter(([x, y]) => y >= 0 && x < a.vocabulary && y < b.vocabulary)
      .sort(([x], [y]) => x - y);
    return { how: "texts", a: pairs.map(([x]) => x), b: pairs.map(([, y]) => y) };
  }
  const ids = Array.from({ length: Math.min(a.vocabulary, b.vocabulary) }, (_, i) => i);
  return { how: "ids", a: ids, b: ids };
}

function agree(
  a: ReadonlyMap<number, readonly [number, number]>,
  b: ReadonlyMap<number, readonly [number, number]>,
): boolean {
  let same = 0;
  let both = 0;
  for (const [id, [low, high]] of a) {
    const other = b.get(id);
    if (other === undefined) continue;
    both++;
    if (other[0] === low && other[1] === high) same++;
  }
  return both === 0 || 2 * same >= both;
}
