import type { Image, ImageCount } from "../result.ts";

/** An image without its single tensors, which results of earlier versions do not tell. */
type SummedImage = Omit<Image, "byTensor">;

/** What is claimed of a suspect that is a base rounded, or the other way round; to be said after its name. */
export function imageClaim(image: Image, base: string): string {
  const what =
    image.side === "suspect"
      ? `is ${base} quantised to ${image.scheme}`
      : `is what ${base} was quantised from (${image.scheme})`;
  return `${what}: ${imageFigure(image)}`;
}

/** How many blocks are the original's, and by which rounding: only what was compared. */
export function imageFigure({ requantised, nearest, way, everywhere }: SummedImage): string {
  const from = way === null ? "" : `, ${way}`;
  const isAnew = requantised !== null && requantised.equal * nearest.blocks >= nearest.equal * requantised.blocks;
  if (isAnew) {
    return `by llama.cpp's rounding${from}, ${shareOf(requantised)} of ${blocksOf(requantised, everywhere && requantised.blocks === nearest.blocks)} reproduce bit for bit`;
  }
  return `rounded to the nearest of the levels that the file has${from}, ${shareOf(nearest)} of ${blocksOf(nearest, everywhere)} reproduce`;
}

function blocksOf({ blocks }: ImageCount, all: boolean): string {
  return `${all ? "all " : ""}${blocks.toLocaleString("en-US")} ${all ? "" : "sampled "}blocks`;
}

/** Cut off, not rounded: less than all is never called all. */
export function shareOf({ blocks, equal }: ImageCount): string {
  return `${Math.floor((10_000 * equal) / blocks) / 100} %`;
}

/** How far the worst tensor lies apart. */
export function worstOf({ worst }: SummedImage): string {
  const within = Math.floor(1000 * worst.within) / 10;
  return `at most ${worst.halfSteps.toPrecision(3)} half steps apart, in ${worst.tensor} (${within} % within one)`;
}

/** What a reader of the claim must know. */
export function imageLimits(image: SummedImage): string[] {
  const { requantised, nearest, everywhere, tensors } = image;
  const limits = [
    "what rounding takes away is not seen: a change far below a step, in few values, leaves the same blocks",
  ];
  if (!everywhere) {
    limits.unshift(`blocks were sampled evenly from ${tensors} tensors (use \`depth: full\` on both for all of them)`);
  } else if (requantised !== null && requantised.blocks < nearest.blocks) {
    limits.unshift(
      `${requantised.blocks.toLocaleString("en-US")} of ${nearest.blocks.toLocaleString("en-US")} blocks were quantised anew, evenly over every tensor; of all, ${shareOf(nearest)} hold the nearest of the file's levels`,
    );
  }
  return limits;
}
