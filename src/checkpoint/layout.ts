import { WeightmarkError } from "../errors.ts";
import type { DirectoryListing } from "./directory.ts";

/** Which files of a directory make up the model. */
export interface Layout {
  /** Name of the shard index, or null. */
  readonly index: string | null;
  /** Names of the files to read when there is no index. */
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

const MAX_LISTED = 5;

const INDEX_SUFFIX = ".safetensors.index.json";

/** Whether a file of this name lists the shards of a model. */
export function isShardIndex(name: string): boolean {
  return name.endsWith(INDEX_SUFFIX);
}

/** What `weightmark fingerprint` calls its files; publishers put them beside the weights. */
const FINGERPRINT = ".fingerprint.safetensors";

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).map((name) => JSON.stringify(name));
  if (names.length > MAX_LISTED) shown.push(`${names.length - MAX_LISTED} more`);
  return shown.join(", ");
}

function noWeights(path: string, { foreign, isPipeline }: DirectoryListing): WeightmarkError {
  if (foreign.length > 0) {
    return new WeightmarkError("UNSUPPORTED_CONTAINER", `no .safetensors file here, only ${list(foreign)}`, {
      file: path,
      detail: "Convert the weights to safetensors with the tool that made them.",
    });
  }
  return new WeightmarkError("NO_WEIGHTS", "no weights in this directory", {
    file: path,
    detail: isPipeline ? "This is a pipeline of several models: name one of its subdirectories." : undefined,
  });
}

/**
 * Decides what to read, as transformers does: model.safetensors, else its index, else any index, else every .safetensors file.
 * Files that are left out are noted.
 *
 * @throws NO_WEIGHTS, UNSUPPORTED_CONTAINER, AMBIGUOUS_CHECKPOINT
 */
export function chooseLayout(path: string, listing: DirectoryListing): Layout {
  const { safetensors, indexes, foreign } = listing;
  if (safetensors.length === 0 && indexes.length === 0) throw noWeights(path, listing);
  const notes =
    foreign.length === 0 ? [] : [`weights in other containers stand beside and were not read: ${list(foreign)}`];

  if (safetensors.includes("model.safetensors")) {
    const others = [...indexes, ...safetensors].filter((name) => name !== "model.safetensors");
    if (others.length > 0) notes.push(`model.safetensors was read and these were not: ${list(others)}`);
    return { index: null, files: ["model.safetensors"], notes };
  }
  const standard = indexes.find((name) => name === "model.safetensors.index.json");
  if (standard === undefined && indexes.length > 1) {
    throw new WeightmarkError("AMBIGUOUS_CHECKPOINT", `several models here: ${list(indexes)}`, {
      file: path,
      detail: "Name one of the index files.",
    });
  }
  const index = standard ?? indexes[0] ?? null;
  if (index !== null) {
    const others = indexes.filter((name) => name !== index);
    if (others.length > 0) notes.push(`${index} was read and these were not: ${list(others)}`);
    return { index, files: [], notes };
  }
  const weights = safetensors.filter((name) => !name.endsWith(FINGERPRINT));
  const files = weights.length > 0 ? weights : safetensors;
  if (files.length < safetensors.length) notes.push("fingerprint files beside the weights were not read as weights");
  if (files.length > 1) notes.push(`no shard index: ${files.length} .safetensors files taken in order of name`);
  return { index: null, files, notes };
}

function numberedShards(stem: string, digits: string): string[] {
  return Array.from({ length: Number(digits) }, (_, i) => {
    return `${stem}-${String(i + 1).padStart(5, "0")}-of-${digits}.safetensors`;
  });
}

/** Whether a name such as `X-00002-of-00003.safetensors` is there without all of its fellows. */
export function lacksShards(safetensors: readonly string[]): boolean {
  const present = new Set(safetensors);
  const sets = new Map<string, readonly [string, string]>();
  for (const name of safetensors) {
    const [, stem, digits] = /^(.*)-\d{5}-of-(\d{5})\.safetensors$/.exec(name) ?? [];
    if (stem !== undefined && digits !== undefined) sets.set(`${stem}/${digits}`, [stem, digits]);
  }
  return [...sets.values()].some(([stem, digits]) => !numberedShards(stem, digits).every((name) => present.has(name)));
}

/**
 * The same model without its index, when the names of the shards say by themselves that all are there: `X-00001-of-00003`
 * to `X-00003-of-00003` beside `X.safetensors.index.json`. Headers say what the index says; far away it would cost a
 * request and up to 60 MB.
 */
export function withoutIndex(layout: Layout, { safetensors }: Pick<DirectoryListing, "safetensors">): Layout {
  if (layout.index === null) return layout;
  const stem = layout.index.slice(0, -INDEX_SUFFIX.length);
  const present = new Set(safetensors);
  const [first] = safetensors.filter((name) => name.startsWith(`${stem}-00001-of-`));
  const [, digits] = /-of-(\d{5})\.safetensors$/.exec(first ?? "") ?? [];
  if (digits === undefined) return layout;
  const files = numberedShards(stem, digits);
  if (files.length === 0 || !files.every((name) => present.has(name))) return layout;
  return { index: null, files, notes: [...layout.notes, ...unlistedNote(safetensors, files)] };
}

/** A note on .safetensors files that the index does not name, or none. */
export function unlistedNote(safetensors: readonly string[], shards: readonly string[]): string[] {
  const listed = new Set(shards);
  const unlisted = safetensors.filter((name) => !listed.has(name));
  return unlisted.length === 0 ? [] : [`shards that the index does not name were not read: ${list(unlisted)}`];
}
