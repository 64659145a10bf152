import type { MatrixPair } from "./matrix-pair.ts";

/** Pairs of one stack of the base, and how many parameters they have there. */
export interface StackGroup {
  readonly pairs: readonly MatrixPair[];
  readonly parameters: number;
}

/** Pairs stack by stack, the largest first. */
export function stackGroups(pairs: readonly MatrixPair[]): readonly StackGroup[] {
  const groups = new Map<string, MatrixPair[]>();
  for (const pair of pairs) {
    const list = groups.get(pair.base.component);
    if (list) list.push(pair);
    else groups.set(pair.base.component, [pair]);
  }
  return [...groups]
    .map(([component, list]) => ({
      component,
      pairs: list,
      parameters: list.reduce((sum, { base }) => sum + base.rows * base.cols, 0),
    }))
    .sort((a, b) => b.parameters - a.parameters || (a.component < b.component ? -1 : 1));
}
