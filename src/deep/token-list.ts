import { FRAME_STEP, LEAST_FRAME, MAX_FRAME, type TokenList } from "../fingerprint/deep-part.ts";
import { subset } from "../numerics/prng.ts";
import type { DeepModel } from "./deep-model.ts";
import { sharedTokens } from "./shared-tokens.ts";

/**
 * How many tokens a stream of this width is seen from: some fewer than it has dimensions, so that they span no more than a
 * stream that was cut still has. Null for one that is too narrow.
 */
export function frameSize(width: number): number | null {
  const size = Math.min(MAX_FRAME, FRAME_STEP * Math.floor((3 * width) / (4 * FRAME_STEP)));
  return size < LEAST_FRAME ? null : size;
}

/**
 * The same token ids of all vocabularies of about one size, twice as many as the frame has: drawn below a power of two, so that
 * tokens which were added behind a vocabulary change nothing, and in runs, which a source far away has in one piece. Every other
 * one is of the frame, which comes first.
 */
export function frameTokens(size: number, vocabulary: number): Uint32Array | null {
  const below = 2 ** Math.floor(Math.log2(Math.max(1, vocabulary)));
  if (below < 2 * size) return null;
  const runs = [...subset(below / FRAME_STEP, (2 * size) / FRAME_STEP, "weightmark frame tokens")];
  return halved(
    Uint32Array.from(runs.flatMap((run) => Array.from({ length: FRAME_STEP }, (_, i) => FRAME_STEP * run + i))),
  );
}

/** Tokens of the first model that the second has as well, by its own rule as far as that can be; null where they are too few. */
export function sharedFrame(a: DeepModel, b: DeepModel): Uint32Array | null {
  const size = frameSize(Math.min(a.width, b.width));
  const own = size === null ? null : frameTokens(size, a.vocabulary);
  if (size === null || (own !== null && !placesOf(tokenList(a, own), b).includes(-1))) return own;
  const both = sharedTokens(a, b).a;
  const count = Math.min(size, FRAME_STEP * Math.floor(both.length / (2 * FRAME_STEP)));
  if (count < LEAST_FRAME) return null;
  return halved(Uint32Array.from(subset(both.length, 2 * count, "weightmark shared frame"), (i) => both[i]!));
}

function halved(drawn: Uint32Array): Uint32Array {
  return Uint32Array.from([...drawn.filter((_, i) => i % 2 === 0), ...drawn.filter((_, i) => i % 2 === 1)]);
}

export function tokenList(model: DeepModel, ids: Uint32Array): TokenList {
  const { texts } = model;
  if (texts === null) return { ids, texts: null };
  return { ids, texts: Uint32Array.from([...ids].flatMap((id) => texts.get(id) ?? [0, 0])) };
}

/**
 * Where a model has the tokens of a list, -1 for those that it has not. By text where both have a tokenizer and number their
 * tokens differently, else by id.
 */
export function placesOf(list: TokenList, model: Pick<DeepModel, "texts" | "vocabulary">): Int32Array {
  const { ids, texts } = list;
  const byId = Int32Array.from(ids, (id) => (id < model.vocabulary ? id : -1));
  if (texts === null || model.texts === null) return byId;
  const isSame = (id: number, i: number): boolean => {
    const own = model.texts!.get(id);
    return own !== undefined && own[0] === texts[2 * i] && own[1] === texts[2 * i + 1];
  };
  if (2 * [...ids].filter(isSame).length >= ids.length) return byId;
  const places = new Map([...model.texts].map(([id, [low, high]]) => [`${low},${high}`, id]));
  const byText = Int32Array.from(ids, (_, i) => {
    const id = places.get(`${texts[2 * i]},${texts[2 * i + 1]}`) ?? -1;
    return id < model.vocabulary ? id : -1;
  });
  // Whoever hides something may spoil the tokenizer as well. A wrong frame costs what is found, never a verdict.
  return byText.includes(-1) && !byId.includes(-1) ? byId : byText;
}
