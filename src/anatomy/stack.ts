import { createHash } from "node:crypto";
import type { CanonicalTensor } from "./anatomy.ts";
import { parseTensorName, type TensorName } from "./name.ts";

/** Where all token tables stand, whatever their paths: they share the labels of the stream they feed. */
export const EMBEDDINGS = "embeddings";
/** One group for matrices whose names have nothing in common. */
const MATRICES = "matrices";
/** Layers counted from the root of the model, and a group whose segment is empty. */
const ROOT = "(layers)";
const NAMELESS = "(nameless)";
const RESERVED = new Set([EMBEDDINGS, MATRICES, ROOT, NAMELESS]);

/** What a fingerprint file holds at most. */
const LONGEST = 100;
const DIGITS = 32;
const SHORTENED = /~[0-9a-f]{32}$/;

/** Name of the stack whose layers are counted at `path`; two paths never share one. */
export function stackOfLayers(path: string): string {
  return path === "" ? ROOT : unambiguous(path);
}

/** Reserved names and those that look like ours are marked, long ones keep their beginning and a digest of the rest. */
function unambiguous(path: string): string {
  const name = RESERVED.has(path) || /\((?:stack|outside)\)$/.test(path) ? `${path} (stack)` : path;
  if (name.length <= LONGEST && !(name.length === LONGEST && SHORTENED.test(name))) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, DIGITS);
  return `${name.slice(0, LONGEST - DIGITS - 1)}~${digest}`;
}

/** The path of a whole name without suffix; an opaque name is its own path. */
function pathOf({ stack, layer, stem }: TensorName, tensor: string): readonly string[] {
  const inside = layer < 0 ? stem : `${stack === "" ? "" : `${stack}.`}${layer}.${stem}`;
  return (inside === "" ? tensor : inside).split(/[./]/);
}

/**
 * Stacks of the matrices outside layers, by tensor. They are grouped by the first segment in which their paths differ
 * from those of other matrices ("features", "classifier"); if every group held a single one, as with names that are
 * hashes, all are one group. `all` are all matrices of the model, `outside` those to be grouped.
 */
export function outerStacks(
  all: readonly CanonicalTensor[],
  outside: readonly CanonicalTensor[],
): ReadonlyMap<string, string> {
  const shared = sharedSegments(all);
  const groups = new Map<string, Set<string>>();
  for (const { tensor } of outside) {
    const path = pathOf(parseTensorName(tensor), tensor);
    const segment = path[Math.min(shared, path.length - 1)] as string;
    const group = groups.get(segment);
    if (group === undefined) groups.set(segment, new Set([tensor]));
    else group.add(tensor);
  }
  const scattered = groups.size > 1 && [...groups.values()].every(({ size }) => size === 1);
  const layered = new Set(all.filter(({ layer }) => layer >= 0).map(({ stack }) => stack));
  const stacks = new Map<string, string>();
  for (const [segment, tensors] of groups) {
    const plain = segment === "" ? NAMELESS : unambiguous(segment);
    const name = scattered ? MATRICES : layered.has(plain) ? unambiguousOutside(segment) : plain;
    for (const tensor of tensors) stacks.set(tensor, name);
  }
  return stacks;
}

/** Matrices that lie beside the numbered layers of a container, as DenseNet's first convolution does, are no layer of it. */
function unambiguousOutside(segment: string): string {
  const name = `${segment} (outside)`;
  return name.length <= LONGEST ? name : `${unambiguous(name).slice(0, LONGEST - 10)} (outside)`;
}

/** How many leading segments all names share, the last segment of each set aside. */
function sharedSegments(all: readonly CanonicalTensor[]): number {
  let prefix: readonly string[] | null = null;
  for (const { tensor } of all) {
    const path = pathOf(parseTensorName(tensor), tensor).slice(0, -1);
    if (prefix === null) prefix = path;
    let length = 0;
    while (length < prefix.length && length < path.length && prefix[length] === path[length]) length++;
    if (length < prefix.length) prefix = prefix.slice(0, length);
    if (length === 0) break;
  }
  return prefix?.length ?? 0;
}
