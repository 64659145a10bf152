import type { Flow } from "./width-flow.ts";

/**
 * Widths that a matrix outside of numbered layers makes of what is given, and that another outside of them leads to what
 * nothing reads: an entrance and an exit. What lies between is a whole network's own, while modules that stand beside a public
 * model come without either.
 */
export function passedWidths(flows: readonly Flow[]): ReadonlySet<number> {
  const read = new Set(flows.map(({ reads }) => reads));
  const written = new Set(flows.map(({ writes }) => writes));
  const outer = flows.filter(({ layered, reads, writes }) => !layered && reads > 0 && reads !== writes);
  const entered = new Set(outer.filter(({ reads }) => !written.has(reads)).map(({ writes }) => writes));
  return new Set(
    outer.filter(({ reads, writes }) => entered.has(reads) && !read.has(writes)).map(({ reads }) => reads),
  );
}
