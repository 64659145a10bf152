import { isFingerprintName, weightStem } from "../formats/safetensors/file-name.ts";
import { isArrayName, type WeightNames } from "./array-names.ts";
import { stemOfIndex } from "./index-name.ts";
import { type Missing, numberedSets } from "./numbered-shards.ts";

/** Weight files of one folder that are read together. */
export interface WeightSet {
  /** One file, shards whose names count them, or what a shard index names. */
  readonly kind: "file" | "numbered" | "indexed";
  /** The file that stands for it: itself, its first shard that is there, or the index. */
  readonly name: string;
  /** Files of the folder that are known to be its own. */
  readonly files: readonly string[];
  /** What a numbered set lacks. */
  readonly missing: Missing;
  /** What it is a variant of: "model" for `model.fp16.safetensors`. */
  readonly component: string;
  /** Words that tell it from other variants of its component: "fp16". */
  readonly variant: readonly string[];
}

/** A model in a folder, and what by its names is only another variant of it, or a split of it that its index leaves out. */
export interface FolderModel {
  readonly set: WeightSet;
  readonly variants: readonly WeightSet[];
}

/** What publishers add to the name of a component, and how far it leads from the weights that were trained. */
const VARIANT_WORDS: readonly (readonly [RegExp, number])[] = [
  [/^(?:fp32|f32|float32)$/, 1],
  [/^(?:fp16|f16|float16|bf16|bfloat16)$/, 2],
  [/^(?:fp8|f8|e4m3|e4m3fn|e5m2|scaled)$/, 4],
  [/^(?:(?:non?)?[-_]?ema|ema[-_]?only|pruned)$/, 8],
];
const LAST_WORD = /[-_.]([a-z]+\d+[a-z\d]*|non?[-_]ema|ema[-_]only|[a-z]+)$/;
/** No word is longer; of hostile names no more is looked at. */
const MAX_WORD = 12;

/** The files of a listing that hold weights: fingerprints that lie beside them do not. */
export function weightNames(safetensors: readonly string[]): readonly string[] {
  const weights = safetensors.filter((name) => !isFingerprintName(name));
  return weights.length > 0 ? weights : safetensors;
}

/** The name of a file of weights without its ending. */
function stemOf(name: string): string {
  return isArrayName(name) ? name.slice(0, name.lastIndexOf(".")) : weightStem(name);
}

function weightOf(word: string): number {
  return VARIANT_WORDS.find(([words]) => words.test(word))?.[1] ?? 0;
}

/** Takes the words of a variant off the end of a stem: "v1-5-pruned-emaonly" is "v1-5", "pruned" and "emaonly". */
function componentOf(stem: string): { readonly component: string; readonly variant: readonly string[] } {
  const variant: string[] = [];
  let component = stem;
  while (true) {
    const [ending, word] = LAST_WORD.exec(component.slice(-MAX_WORD).toLowerCase()) ?? [];
    const isVariant = ending !== undefined && ending.length < component.length && weightOf(word!) > 0;
    if (!isVariant) return { component, variant };
    variant.unshift(word!);
    component = component.slice(0, -ending.length);
  }
}

function setOf(kind: WeightSet["kind"], name: string, stem: string, files: readonly string[]): WeightSet {
  return { kind, name, files, missing: { count: 0, first: null }, ...componentOf(stem) };
}

/** @param numbered the sets of shards of a folder by what they are variants of */
function indexedSet(
  name: string,
  shards: readonly string[] | undefined,
  numbered: ReadonlyMap<string, readonly WeightSet[]>,
): WeightSet {
  const set = setOf("indexed", name, stemOfIndex(name)!, shards ?? []);
  if (shards !== undefined) return set;
  return { ...set, files: (numbered.get(variantOf(set)) ?? []).flatMap(({ files }) => files) };
}

/** The same text for the same variant of the same component. */
function variantOf({ component, variant }: WeightSet): string {
  return JSON.stringify([component, ...variant]);
}

/** Sets by what they have in common. Never each held against each: a folder may have a hundred thousand (CWE-407). */
function grouped(sets: readonly WeightSet[], keyOf: (set: WeightSet) => string): Map<string, WeightSet[]> {
  const groups = new Map<string, WeightSet[]>();
  for (const set of sets) {
    const same = groups.get(keyOf(set));
    if (same === undefined) groups.set(keyOf(set), [set]);
    else same.push(set);
  }
  return groups;
}

/** Loaders of transformers take one file before an index; those of diffusers, and of everything else, the index. */
const ORDER: Readonly<Record<WeightSet["kind"], number>> = { indexed: 1, file: 2, numbered: 3 };

function orderOf({ kind, name }: WeightSet): number {
  return FIRST.has(name.toLowerCase()) ? 0 : ORDER[kind];
}

function byPreference(a: WeightSet, b: WeightSet): number {
  const far = ({ variant }: WeightSet) => variant.reduce((sum, word) => sum + weightOf(word), 0);
  return far(a) - far(b) || orderOf(a) - orderOf(b) || (a.name < b.name ? -1 : 1);
}

/** The models of one component: its plainest variant, however it is split. */
function modelsOfComponent(sets: WeightSet[]): FolderModel[] {
  const [first, ...others] = sets.sort(byPreference);
  const plainest = variantOf(first!);
  const isIndexed = sets.some((set) => set.kind === "indexed" && variantOf(set) === plainest);
  // What an index leaves out of its own component is not the model; without one, nobody says which of two sets is.
  const isOwn = (set: WeightSet) => variantOf(set) === plainest && !(isIndexed && set.kind === "numbered");
  return [
    { set: first!, variants: others.filter((set) => !isOwn(set)) },
    ...others.filter(isOwn).map((set) => ({ set, variants: [] })),
  ];
}

/**
 * The models of a folder. Files are one model when a shard index names them, or their names count them
 * (`X-00001-of-00003`); variants of one component (`X.fp16`, `X.non_ema`, `X-pruned`) are one model, of which the plainest
 * is read; every other file is a model of its own. The one that loaders would take comes first, then they are in order of
 * name.
 *
 * @param shardsOf what is known to stand in the indexes, by their names
 */
export function modelsOf(
  { safetensors, indexes }: WeightNames,
  shardsOf: ReadonlyMap<string, readonly string[]> = new Map(),
): FolderModel[] {
  const weights = weightNames(safetensors);
  const claimed = new Set([...shardsOf.values()].flat());
  const free = weights.filter((name) => !claimed.has(name));
  const numbered = numberedSets(free).map(({ stem, files, missing }) => {
    return { ...setOf("numbered", files[0]!, stem, files), missing };
  });
  const counted = new Set(numbered.flatMap(({ files }) => files));
  const byVariant = grouped(numbered, variantOf);
  const indexed = indexes.map((name) => indexedSet(name, shardsOf.get(name), byVariant));
  const unknown = new Set(indexed.filter(({ name }) => !shardsOf.has(name)).map(variantOf));
  const sets = [
    ...indexed,
    // As long as nobody has read the index, it may name all that are called like it.
    ...numbered.filter((set) => !unknown.has(variantOf(set))),
    ...free.filter((name) => !counted.has(name)).map((name) => setOf("file", name, stemOf(name), [name])),
  ];
  const components = grouped(sets, ({ component }) => component);
  const models = [...components.values()].flatMap(modelsOfComponent);
  models.sort((a, b) => (a.set.name < b.set.name ? -1 : 1));
  const preferred = preferredOf(models);
  return preferred === null ? models : [preferred, ...models.filter((model) => model !== preferred)];
}

/** Names that loaders look for, in their order; on some file systems they find them however they are written. */
const LOADED = [
  "model.safetensors",
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
  "model.onnx",
];
/** Those that are taken before an index. */
const FIRST: ReadonlySet<string> = new Set(["model.safetensors", "pytorch_model.bin"]);
const LOADED_LAST = "diffusion_pytorch_model.safetensors";

/** The model that loaders would take from the folder, or null when they would ask which. */
export function preferredOf(models: readonly FolderModel[]): FolderModel | null {
  const named = (name: string) =>
    models.find(({ set }) => set.name === name) ?? models.find(({ set }) => set.name.toLowerCase() === name);
  for (const name of LOADED) {
    const found = named(name);
    if (found !== undefined) return found;
  }
  const indexed = models.filter(({ set }) => set.kind === "indexed");
  if (indexed.length > 0) return indexed.length === 1 ? indexed[0]! : null;
  return models.length === 1 ? models[0]! : (named(LOADED_LAST) ?? null);
}
