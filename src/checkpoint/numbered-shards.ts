import { MAX_SHARDS } from "./limits.ts";

/** One shard of a set whose names say which it is, and of how many: `X-00002-of-00003.safetensors`. */
export interface NumberedShard {
  /** What stands before the number, without the separator: "X". */
  readonly stem: string;
  /** ".safetensors" as it is written here. */
  readonly ending: string;
  /** From 0 or from 1. */
  readonly number: number;
  readonly count: number;
  /** The same for all shards of one set, and for no other set of the folder. */
  readonly set: string;
  /** What shard `number` of the set is called, if it is written like this one. */
  nameOf(number: number): string;
}

/** What a set lacks. */
export interface Missing {
  readonly count: number;
  /** Name of the first one that is not there, or null. */
  readonly first: string | null;
}

/** The shards of one set that are there. */
export interface NumberedSet {
  readonly stem: string;
  /** Names in order of their numbers. */
  readonly files: readonly string[];
  readonly missing: Missing;
}

const NUMBERED = /^(.*?)([-_.]?)(\d{1,6})([-_]of[-_])(\d{1,6})(\.(?:safetensors|sft|bin|pt|pth|ckpt))$/is;

/** What the name of a shard says, or null for a name that is no shard's. */
export function numberedShard(name: string): NumberedShard | null {
  const [, stem, separator, digits, of, total, ending] = NUMBERED.exec(name) ?? [];
  if (stem === undefined || digits === undefined || total === undefined) return null;
  const [number, count] = [Number(digits), Number(total)];
  if (count === 0 || count > MAX_SHARDS || number > count) return null;
  // "9-of-12" is followed by "10-of-12": only what has a zero before it, or the length of the whole, is filled up.
  const width = digits.startsWith("0") || digits.length === total.length ? digits.length : 1;
  const before = `${stem}${separator}`;
  const after = `${of}${total}${ending}`;
  return {
    stem,
    ending: ending!,
    number,
    count,
    set: JSON.stringify([before, after.toLowerCase()]),
    nameOf: (shard) => `${before}${String(shard).padStart(width, "0")}${after}`,
  };
}

/** The names of a whole set, as one shard of it tells them: for places that cannot be listed. */
export function namesOfSet({ number, count, nameOf }: NumberedShard): string[] {
  const first = number === 0 ? 0 : 1;
  return Array.from({ length: count }, (_, i) => nameOf(first + i));
}

/** The numbered sets among some names, in order of their first file. What two names claim to be, only the first is. */
export function numberedSets(names: readonly string[]): NumberedSet[] {
  const sets = new Map<string, Map<number, { readonly name: string; readonly shard: NumberedShard }>>();
  for (const name of [...names].sort()) {
    const shard = numberedShard(name);
    if (shard === null) continue;
    const set = sets.get(shard.set) ?? new Map();
    sets.set(shard.set, set);
    if (!set.has(shard.number)) set.set(shard.number, { name, shard });
  }
  return [...sets.values()].map((set) => {
    // The one that says most of how numbers are written: a zero before it, or fewer digits than the count.
    const shards = [...set.values()].map(({ shard }) => shard);
    const { stem, count, nameOf } = shards.reduce((a, b) => (b.number < a.number ? b : a));
    const first = set.has(0) ? 0 : 1;
    const numbers = [...set.keys()].filter((number) => number < first + count).sort((a, b) => a - b);
    const files = numbers.map((number) => set.get(number)!.name);
    const gap = numbers.findIndex((number, i) => number !== first + i);
    const absent = files.length === count ? null : nameOf(first + (gap < 0 ? files.length : gap));
    return { stem, files, missing: { count: count - files.length, first: absent } };
  });
}
