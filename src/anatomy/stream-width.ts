import type { Layer, Parameter } from "./layer.ts";
import type { Linear } from "./linear.ts";
import { outerRole } from "./outer-table.ts";

/** Share of the linears of a stack that read or write its stream, where a layer by itself does not tell. */
const ALONG_THE_STREAM = 0.9;

/**
 * Width of the residual stream by layer, 0 where shapes leave several: the one that all linears of the layer have on one
 * axis or the other, else nearly all of its stack. Two linears that lead from one width to another and back have two such
 * widths: then the one counts that a norm and a table have as well.
 */
export function streamWidths(
  layers: ReadonlyMap<Layer, readonly Linear[]>,
  outside: readonly Parameter[],
): ReadonlyMap<Layer, number> {
  const tables = new Set<number>();
  for (const { shape, name } of outside) {
    if (shape.length === 2 && outerRole(name.pattern) !== undefined) for (const n of shape) tables.add(n);
  }
  const stacks = new Map<string, { readonly linears: Linear[]; readonly norms: Set<number> }>();
  for (const [layer, linears] of layers) {
    const stack = stacks.get(layer.stack) ?? { linears: [], norms: new Set() };
    stacks.set(layer.stack, stack);
    for (const linear of alongStream(linears)) stack.linears.push(linear);
    for (const { shape } of layer.weights.values()) if (shape.length === 1) stack.norms.add(shape[0] as number);
  }
  const common = new Map<string, number>();
  for (const [name, { linears, norms }] of stacks) {
    common.set(
      name,
      only(
        commonWidths(linears, ALONG_THE_STREAM).filter(
          (n, _, all) => all.length === 1 || (norms.has(n) && tables.has(n)),
        ),
      ),
    );
  }
  const widths = new Map<Layer, number>();
  for (const [layer, linears] of layers) {
    widths.set(layer, only(commonWidths(alongStream(linears), 1)) || (common.get(layer.stack) as number));
  }
  return widths;
}

function alongStream(linears: readonly Linear[]): readonly Linear[] {
  return linears.filter(({ part }) => part !== null && part.network !== "router");
}

function only(widths: readonly number[]): number {
  return widths.length === 1 ? (widths[0] as number) : 0;
}

/** Widths that so many of the linears have on one axis or both. */
function commonWidths(linears: readonly Linear[], share: number): readonly number[] {
  const counts = new Map<number, number>();
  for (const { rows, cols } of linears) {
    counts.set(rows, (counts.get(rows) ?? 0) + 1);
    if (cols !== rows) counts.set(cols, (counts.get(cols) ?? 0) + 1);
  }
  return [...counts].filter(([, n]) => n >= share * linears.length).map(([width]) => width);
}
