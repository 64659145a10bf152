import type { TensorTable } from "../../src/anatomy/anatomy.ts";
import { describeAnatomy } from "../../src/anatomy/describe.ts";

/**
 * `axis`, `axis/block` where the block is not the width, or `none`, by tensor, with ? where hidden units are presumed; twins
 * under `tensor^T`.
 */
export function labelsOf(table: TensorTable): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const { tensor, axis, block, cols, given, twin } of describeAnatomy(table, null).matrices) {
    const run = block === cols ? "" : `/${block}`;
    labels[twin === true ? `${tensor}^T` : tensor] =
      axis === null ? "none" : `${axis}${run}${given === true && axis === "channels" ? "?" : ""}`;
  }
  return labels;
}

/** Stacks by tensor. */
export function stacksOf(table: TensorTable): Record<string, string> {
  return Object.fromEntries(describeAnatomy(table, null).matrices.map(({ tensor, stack }) => [tensor, stack]));
}

/** How many matrices have each label. */
export function censusOf(table: TensorTable): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const label of Object.values(labelsOf(table))) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}
