import { isSync } from "../../bytes/byte-source.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../errors.ts";
import type { Fingerprint } from "../../fingerprint/fingerprint.ts";
import type { Image, ImageCount, TensorShare } from "../result.ts";
import type { Subject } from "../subject.ts";
import { schemeOf } from "./scheme.ts";
import { type Extent, type TensorImage, tensorImage } from "./tensor-image.ts";
import { type TensorPairs, tensorPairs } from "./tensor-pairs.ts";

/** Tensors that are looked into where not everything is read: of thousands of experts some. */
const MOST_TENSORS = 1024;
const SAMPLED: Extent = { everywhere: false, length: 4096, pieces: 8, anew: 2 };
/** A million values of each tensor are rounded anew where everything is read: that takes a microsecond for each. */
const FULL: Extent = { everywhere: true, length: 1 << 16, pieces: 0, anew: 16 };

/** Blocks that must be the original's in each tensor, and in all; and how many must have been asked. */
const LEAST_OF_TENSOR = 0.98;
const LEAST_OF_ALL = 0.995;
const LEAST_BLOCKS = 64;
/**
 * Another model's values lie within a half step by chance: three tenths of them at two bits, a tenth at four. Beside so few
 * blocks that reproduce, nothing is made of the rest.
 */
const FEW_WITHIN = 0.4;
const FEW_BLOCKS = 0.01;
const EARLY = 256;
/** Tensors that a result tells of one by one. */
const MOST_LISTED = 256;

/**
 * Whether one model is the other one rounded: all values of blocks as the quantiser that the file names makes them of the
 * other's, or the nearest of the levels that the file has. Both must be at hand. Null where nothing was rounded, or what was
 * is not the other's; "unread" where the limit on bytes left too few to ask.
 *
 * @param isRelated whether other tests tell that they share weights: how far the values lie apart is of interest then
 */
export async function findImage(
  suspect: Subject,
  base: Subject,
  isRelated: boolean,
  signal?: AbortSignal,
): Promise<Image | "unread" | null> {
  const sides = [suspect, base].map(({ checkpoint }) => checkpoint);
  const [own, other] = sides as [Checkpoint | null, Checkpoint | null];
  if (own === null || other === null) return null;
  if (!sides.every((side) => side!.files.every(({ source }) => isSync(source)))) return null;
  const [a, b] = [roundedBits(own), roundedBits(other)];
  if (a === null && b === null) return null;
  const side = b === null || (a !== null && a <= b) ? "suspect" : "base";
  const everywhere = suspect.fingerprint.depth === "full" && base.fingerprint.depth === "full";
  const [image, original] = side === "suspect" ? [suspect, base] : [base, suspect];
  try {
    return await imageOf(image, original, side, everywhere ? FULL : SAMPLED, isRelated, signal);
  } catch (error) {
    // Whoever limits what is read wants the verdict that can be had for that.
    if (error instanceof WeightmarkError && error.code === "BYTE_BUDGET_EXCEEDED") return "unread";
    throw error;
  }
}

/** How many levels the coarsest tensors have, null where none was rounded. */
function roundedBits({ tensors }: Checkpoint): number | null {
  let [levels, count] = [0, 0];
  for (const { levels: own } of tensors.values()) {
    if (own === undefined) continue;
    levels += typeof own.of === "number" ? own.of : own.of.length;
    count++;
  }
  return count === 0 ? null : levels / count;
}

async function imageOf(
  image: Subject,
  original: Subject,
  side: Image["side"],
  extent: Extent,
  isRelated: boolean,
  signal: AbortSignal | undefined,
): Promise<Image | null> {
  const [own, other] = [image.checkpoint!, original.checkpoint!];
  const found = tensorPairs(own, other);
  const rounded = found.pairs.filter((pair) => pair.image.levels !== undefined);
  if (rounded.length === 0) return null;
  const step = extent.everywhere ? 1 : Math.ceil(found.pairs.length / MOST_TENSORS);
  const tensors: TensorImage[] = [];
  let missing = 0;
  // Rounded ones first: of another model they end it.
  const order = [...rounded, ...found.pairs.filter((pair) => pair.image.levels === undefined)];
  for (const pair of order.filter((_, i) => i % step === 0)) {
    const one = await tensorImage(own, other, pair, extent, signal);
    if (one === null) missing++;
    else tensors.push(one);
    if (!isRelated && isOfAnother(tensors)) return null;
  }
  const levelled = tensors.filter(({ blocks }) => blocks > 0);
  if (levelled.length === 0) return null;
  const kept = tensors.every(({ isPlain, isKept }) => !isPlain || isKept);
  const unknown = tensors.some(
    ({ isPlain, isKept, blocks, scheme }) => !isPlain && !isKept && blocks === 0 && scheme !== "" && scheme !== "F32",
  );
  const isWhole =
    missing === 0 &&
    kept &&
    !unknown &&
    levelled.every(isReproduced) &&
    isCounted(found, image.fingerprint, original.fingerprint);
  const anew = sumOf(levelled, "rounded", "equal");
  const nearest = sumOf(levelled, "blocks", "nearest");
  const all = levelled.reduce((sum, one) => sum + (bestOf(one).equal / bestOf(one).blocks) * one.blocks, 0);
  const worst = levelled.reduce((a, b) => (b.halfSteps > a.halfSteps ? b : a));
  return {
    side,
    scheme: schemeOf(own),
    way: commonWay(levelled),
    everywhere: extent.everywhere,
    tensors: levelled.length,
    requantised: anew.blocks > 0 ? anew : null,
    nearest,
    worst: { tensor: worst.name, halfSteps: worst.halfSteps, within: withinOf(worst) },
    whole: isWhole && nearest.blocks >= LEAST_BLOCKS && all >= LEAST_OF_ALL * nearest.blocks,
    byTensor: [...levelled].sort(leastFirst).slice(0, MOST_LISTED).map(shareOf),
  };
}

function withinOf({ within, values }: TensorImage): number {
  return within / Math.max(1, values);
}

/** Those of which least is the original's first; of as much the one that lies further away. */
function leastFirst(a: TensorImage, b: TensorImage): number {
  const [x, y] = [bestOf(a), bestOf(b)];
  const byShare = x.equal * y.blocks - y.equal * x.blocks;
  return byShare || b.halfSteps - a.halfSteps || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function shareOf(one: TensorImage): TensorShare {
  const { name, scheme, blocks, nearest, rounded, equal, halfSteps } = one;
  return {
    tensor: name,
    scheme,
    nearest: { blocks, equal: nearest },
    requantised: rounded > 0 ? { blocks: rounded, equal } : null,
    halfSteps,
    within: withinOf(one),
  };
}

function sumOf(tensors: readonly TensorImage[], of: "rounded" | "blocks", equal: "equal" | "nearest"): ImageCount {
  const sum = (key: "rounded" | "blocks" | "equal" | "nearest") => tensors.reduce((n, one) => n + one[key], 0);
  return { blocks: sum(of), equal: sum(equal) };
}

/** The figure that speaks for a tensor: rounded anew, or the nearest levels, whichever more blocks are. */
function bestOf({ blocks, nearest, rounded, equal }: TensorImage): ImageCount {
  return rounded > 0 && equal * blocks >= nearest * rounded ? { blocks: rounded, equal } : { blocks, equal: nearest };
}

function isReproduced(tensor: TensorImage): boolean {
  const { blocks, equal } = bestOf(tensor);
  return equal >= LEAST_OF_TENSOR * blocks;
}

function isOfAnother(tensors: readonly TensorImage[]): boolean {
  const sum = (key: "blocks" | "within" | "values") => tensors.reduce((n, one) => n + one[key], 0);
  if (sum("blocks") < EARLY) return false;
  const equal = tensors.reduce(
    (n, one) => n + (one.blocks === 0 ? 0 : (bestOf(one).equal * one.blocks) / bestOf(one).blocks),
    0,
  );
  return equal < FEW_BLOCKS * sum("blocks") && sum("within") < FEW_WITHIN * sum("values");
}

function commonWay(tensors: readonly TensorImage[]): string | null {
  const ways = new Set(tensors.map(({ way }) => way));
  const [only] = ways;
  return ways.size === 1 && (only === "through f16" || only === "through bf16") ? only : null;
}

/** Whether what has no partner is another name for something that has: a head that is the token table. */
function isCounted({ left }: TensorPairs, image: Fingerprint, original: Fingerprint): boolean {
  return left.every(({ side, tensor }) => {
    const { tensors } = side === "image" ? image : original;
    const own = tensors.find(({ name }) => name === tensor.name)?.values ?? null;
    return own !== null && tensors.some(({ name, values }) => name !== tensor.name && values?.f32 === own.f32);
  });
}
