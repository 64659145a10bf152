import type { Checkpoint, CheckpointTensor } from "../../checkpoint/checkpoint.ts";
import { holdsValues } from "../../formats/dtype-kind.ts";

/** A tensor of the image and what it would be the image of. */
export interface TensorPair {
  readonly image: CheckpointTensor;
  readonly original: CheckpointTensor;
  /** Whether the two lie across each other, [in, out] and [out, in]. */
  readonly turned: boolean;
}

export interface TensorPairs {
  readonly pairs: readonly TensorPair[];
  /** Tensors of values, of either side, that have no partner of their shape. */
  readonly left: readonly { readonly side: "image" | "original"; readonly tensor: CheckpointTensor }[];
}

/**
 * Frequencies of rotary positions, which every loader computes anew, and constants that torch's exporters to ONNX found in the
 * code of a model: those frequencies most often, factors and masks.
 */
const COMPUTED = /(?:^|\.)inv_freq$|^val_\d+$|\/Constant(?:_\d+)?_output_\d+$/;

/**
 * Pairs tensors by name, and where a name stands under another path on the other side by its end, if that is one alone: exports
 * add a wrapper's name, or take one off. A matrix of the image that none is called after has the only one of its shape for a
 * partner, beside that one's own: exports store a head once more that is the token table, and round the two apart.
 */
export function tensorPairs(image: Checkpoint, original: Checkpoint): TensorPairs {
  const ends = new Map<string, CheckpointTensor | null>();
  for (const tensor of original.tensors.values()) {
    for (const end of endsOf(tensor.name)) ends.set(end, ends.has(end) ? null : tensor);
  }
  const pairs: TensorPair[] = [];
  const taken = new Set<CheckpointTensor>();
  const left: TensorPairs["left"][number][] = [];
  const unnamed: CheckpointTensor[] = [];
  for (const tensor of image.tensors.values()) {
    if (!counts(tensor)) continue;
    const found = original.tensors.get(tensor.name) ?? byEnd(tensor.name, ends, original);
    const turned = found === null || taken.has(found) ? null : isTurned(tensor, found);
    if (found === null || turned === null) unnamed.push(tensor);
    else {
      taken.add(found);
      pairs.push({ image: tensor, original: found, turned });
    }
  }
  const matrices = onlyOfShape(original);
  for (const tensor of unnamed) {
    const found = matrices.get(sidesOf(tensor)) ?? null;
    const turned = found === null || !taken.has(found) ? null : isTurned(tensor, found);
    if (turned === null) left.push({ side: "image", tensor });
    else pairs.push({ image: tensor, original: found!, turned });
  }
  for (const tensor of original.tensors.values()) {
    if (counts(tensor) && !taken.has(tensor)) left.push({ side: "original", tensor });
  }
  return { pairs, left };
}

/** Matrices by their sides, null where several have the same. */
function onlyOfShape({ tensors }: Checkpoint): ReadonlyMap<string, CheckpointTensor | null> {
  const found = new Map<string, CheckpointTensor | null>();
  for (const tensor of tensors.values()) {
    if (tensor.shape.length !== 2 || !counts(tensor)) continue;
    const sides = sidesOf(tensor);
    found.set(sides, found.has(sides) ? null : tensor);
  }
  return found;
}

function sidesOf({ shape }: CheckpointTensor): string {
  return [...shape].sort((a, b) => a - b).join(" ");
}

function counts({ dtype, name, shape }: CheckpointTensor): boolean {
  return holdsValues(dtype) && !COMPUTED.test(name) && !shape.includes(0);
}

/** A name without one after the other of the parts that lead to it; a last part alone names nothing. */
function endsOf(name: string): string[] {
  if (name.length > LONGEST) return [];
  const parts = name.split(".").slice(-MAX_PARTS);
  return parts.slice(0, -1).map((_, i) => parts.slice(i).join("."));
}

/** Names of models have some ten parts and a hundred characters; of hostile ones less is looked at (CWE-770). */
const MAX_PARTS = 16;
const LONGEST = 512;

function byEnd(
  name: string,
  ends: ReadonlyMap<string, CheckpointTensor | null>,
  original: Checkpoint,
): CheckpointTensor | null {
  const longer = ends.get(name);
  if (longer !== undefined) return longer;
  for (const end of endsOf(name)) {
    const there = original.tensors.get(end);
    if (there !== undefined) return there;
  }
  return null;
}

/** Null where the shapes are not of one matrix. */
function isTurned(image: CheckpointTensor, original: CheckpointTensor): boolean | null {
  const [a, b] = [image, original].map(({ shape }) => shape.filter((side) => side !== 1)) as [number[], number[]];
  const across = (image.inOut === true) !== (original.inOut === true);
  const same = a.length === b.length && a.every((side, i) => side === b[i]);
  if (a.length === 2 && b.length === 2 && a[0] === b[1] && a[1] === b[0] && (across || !same)) return true;
  return same && !across ? false : null;
}
