import { isWeightName } from "../formats/safetensors/file-name.ts";

/**
 * `X.safetensors.index.json`; variants are called `X.safetensors.index.fp16.json` or `X.fp16.safetensors.index.json`. Shards of
 * PyTorch have `X.bin.index.json`.
 */
const INDEX = /^(.*)\.(safetensors|sft|bin|pt|pth)\.index(\.[^./]+)?\.json$/is;

/** What an index lists the shards of: "X", "X.fp16"; null for the name of something else. */
export function stemOfIndex(name: string): string | null {
  const [, stem, , variant] = INDEX.exec(name) ?? [];
  return stem === undefined ? null : `${stem}${variant ?? ""}`;
}

/**
 * The index that may name the shards of a stem, or null.
 *
 * @param indexes names of all that there are
 * @param ending ".safetensors" as the shards have it: of two indexes the one that is written so comes first
 */
export function indexOfShards(indexes: readonly string[], stem: string, ending: string): string | null {
  const own = indexes.filter((name) => stemOfIndex(name) === stem);
  return own.find((name) => name === `${stem}${ending}.index.json`) ?? own[0] ?? null;
}

/** Whether an index lists shards of another container, by its name. */
export function isForeignIndex(name: string): boolean {
  const [, , ending] = INDEX.exec(name) ?? [];
  return ending !== undefined && !isWeightName(`.${ending}`);
}

/** Whether a file of this name lists the shards of a model. */
export function isShardIndex(name: string): boolean {
  return INDEX.test(name);
}
