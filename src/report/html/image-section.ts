import { shareOf } from "../../lineage/image/words.ts";
import { formatNumber } from "../numbers.ts";
import { facts, moreText, paragraph, section, table } from "./blocks.ts";
import type { Comparison } from "./comparison.ts";
import { type Html, html, named } from "./markup.ts";
import { figures } from "./pictures/picture.ts";
import { type Share, shares } from "./pictures/shares.ts";

type Image = NonNullable<Comparison["image"]>;
type Count = Image["nearest"];

const MOST_BARS = 8;
const MOST_ROWS = 512;

/** How much of a quantised model is what rounding makes of the other one; null where neither was quantised. */
export function imageSection({ image }: Comparison): Html | null {
  if (image === undefined || image.nearest.blocks === 0) return null;
  const { side, scheme, way, tensors, everywhere, worst, whole, byTensor: all = [] } = image;
  const byTensor = all.slice(0, MOST_ROWS);
  const [rounded, other] = side === "suspect" ? ["suspect", "base"] : ["base", "suspect"];
  const least = byTensor.filter((one) => bestOf(one).equal < bestOf(one).blocks);
  return section(
    "What rounding reproduces",
    paragraph(
      `The ${rounded} keeps few levels in place of exact weights, in blocks with steps of their own. Here the ${other}'s weights were rounded to the same levels, and the outcome was held against the blocks of the ${rounded}. A block of a model that has nothing to do with the ${other} is all but never the same. This compares values; it is no test, and no chance is involved.`,
    ),
    paragraph(
      whole
        ? html`<strong>All that both hold is an original and its rounded image</strong>, as far as it was compared.`
        : "Not all that both hold is an original and its rounded image: the verdict rests on the tests.",
    ),
    facts([
      [`Rounded: the ${rounded}, to`, named(scheme)],
      ["The original was rounded before", way],
      ["Blocks quantised anew that are equal to the bit", countText(image.requantised)],
      ["Blocks that hold the nearest levels", countText(image.nearest)],
      [
        "Looked at",
        `${everywhere ? "all blocks" : "blocks sampled evenly"} of ${tensors.toLocaleString("en-US")} tensors`,
      ],
      [
        "Largest distance",
        html`${formatNumber(worst.halfSteps)} half steps, in ${named(worst.tensor)} (${percent(worst.within)} of its values lie within one)`,
      ],
    ]),
    figures([
      shares(
        "Blocks that the rounding reproduces",
        totals(image),
        "The darker part of a bar is the share of blocks that come out the same. Quantised anew, blocks get steps by llama.cpp's rules, and other programs choose other steps; whether values are the nearest of the levels that the file has does not depend on that. Percentages are cut off: less than all is never called all.",
      ),
      shares(
        "Tensors of which least is reproduced",
        least.slice(0, MOST_BARS).map((one) => ({ name: one.tensor, ...shareFor(bestOf(one)) })),
        "The better of the two shares for single tensors, the smallest first. The table has all figures.",
      ),
    ]),
    tensorTable(byTensor),
    moreText(Math.max(0, tensors - byTensor.length) * Number(byTensor.length > 0)),
  );
}

function totals({ requantised, nearest }: Image): Share[] {
  return [
    ...(requantised === null ? [] : [{ name: "quantised anew, equal to the bit", ...shareFor(requantised) }]),
    { name: "the nearest levels", ...shareFor(nearest) },
  ];
}

function tensorTable(byTensor: NonNullable<Image["byTensor"]>): Html | null {
  const columns = [
    { head: "Tensor", kind: "wide" },
    { head: "Rounded to" },
    { head: "Quantised anew, equal", kind: "number" },
    { head: "Nearest levels", kind: "number" },
    { head: "Largest distance, half steps", kind: "number" },
    { head: "Values within one", kind: "number" },
  ] as const;
  const rows = byTensor.map(({ tensor, scheme, requantised, nearest, halfSteps, within }) => [
    named(tensor),
    named(scheme),
    countText(requantised) ?? "-",
    countText(nearest) ?? "-",
    formatNumber(halfSteps),
    percent(within),
  ]);
  return table("Tensors that were compared, those of which least is reproduced first", columns, rows);
}

/** The figure that speaks for a tensor, as in the whole. */
function bestOf({ requantised, nearest }: Pick<Image, "requantised" | "nearest">): Count {
  const isAnew = requantised !== null && requantised.equal * nearest.blocks >= nearest.equal * requantised.blocks;
  return isAnew ? requantised : nearest;
}

function shareFor(count: Count): Pick<Share, "value" | "text"> {
  return { value: count.blocks === 0 ? Number.NaN : count.equal / count.blocks, text: shareOf(count) };
}

function countText(count: Count | null): string | null {
  if (count === null || count.blocks === 0) return null;
  const [equal, blocks] = [count.equal, count.blocks].map((n) => n.toLocaleString("en-US"));
  return `${equal} of ${blocks} (${shareOf(count)})`;
}

/** Cut off as well. */
function percent(share: number): string {
  return `${Math.floor(1000 * share) / 10} %`;
}
