import type { Flow } from "./flow.ts";

/**
 * Widths that no matrix of the layers connects with the stream that most of them read or write: token and time mixers
 * work on positions, whatever their names.
 */
export function widthsApart(flows: readonly Flow[]): ReadonlySet<number> {
  const parent = new Map<number, number>();
  const rootOf = (width: number): number => {
    let root = width;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up;
    for (let at = width; at !== root; ) {
      const next = parent.get(at) as number;
      parent.set(at, root);
      at = next;
    }
    return root;
  };
  for (const { reads, writes } of flows) {
    if (!parent.has(writes)) parent.set(writes, writes);
    if (reads === 0) continue;
    if (!parent.has(reads)) parent.set(reads, reads);
    parent.set(rootOf(reads), rootOf(writes));
    // A gated unit's two factors are one width afterwards.
    if (parent.has(writes / 2)) parent.set(rootOf(writes / 2), rootOf(writes));
    if (parent.has(2 * reads)) parent.set(rootOf(2 * reads), rootOf(reads));
  }
  const sizes = new Map<number, number>();
  for (const { writes } of flows) sizes.set(rootOf(writes), (sizes.get(rootOf(writes)) ?? 0) + 1);
  let main = 0;
  for (const [root, size] of sizes) if (size > (sizes.get(main) ?? 0)) main = root;
  return new Set([...parent.keys()].filter((width) => rootOf(width) !== main));
}
