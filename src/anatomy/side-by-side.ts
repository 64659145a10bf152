import type { Flow } from "./flow.ts";

/** What leads to more classes than so many times a width leads to a vocabulary, or is its table. */
const MOST_CLASSES = 8;

/**
 * Matrices outside of numbered layers that lead to what nothing reads, of those that read one width two and more: heads side by
 * side. Whatever writes as wide a stream may be their trunk, or stand beside heads of a public model, as its projector does.
 */
export function headsOf(flows: readonly Flow[]): ReadonlySet<Flow> {
  const isRead = readsOf(flows);
  const read = new Set(flows.map(({ reads }) => reads));
  const isLast = (flow: Flow): boolean => {
    const { layer, kernel, reads, writes } = flow;
    if (reads <= 0) return false;
    // Cells have their own state; kernels lead to as many channels as they read, whether that is their stream or not.
    if (kernel !== undefined) return kernel && !read.has(writes);
    return layer < 0 && writes <= MOST_CLASSES * reads && !isRead(flow);
  };
  const last = flows.filter(isLast);
  const count = new Map<number, number>();
  for (const { reads } of last) count.set(reads, (count.get(reads) ?? 0) + 1);
  return new Set(last.filter(({ reads }) => count.get(reads)! > 1));
}

/** How many matrices of one container read a width or write it, and how many of both. */
interface Ends {
  reads: number;
  writes: number;
  square: number;
}

/**
 * Whether what a matrix writes is read: in its own container, by nearly as many as write so wide an output there, or in
 * another one where nothing writes it. Classes may be as many as the hidden units of a projector, which reads its own, or
 * as the dimensions that their heads read, which another container writes.
 */
function readsOf(flows: readonly Flow[]): (flow: Flow) => boolean {
  const widths = new Map<number, Map<string, Ends>>();
  const endsOf = (width: number, group: string): Ends => {
    const groups = widths.get(width) ?? new Map<string, Ends>();
    widths.set(width, groups);
    const ends = groups.get(group) ?? { reads: 0, writes: 0, square: 0 };
    groups.set(group, ends);
    return ends;
  };
  for (const { reads, writes, group } of flows) {
    endsOf(reads, group).reads += 1;
    endsOf(writes, group).writes += 1;
    if (reads === writes) endsOf(reads, group).square += 1;
  }
  const fed = new Set<number>();
  for (const [width, groups] of widths) {
    for (const { reads, writes } of groups.values()) if (reads > 0 && writes === 0) fed.add(width);
  }
  return ({ writes, group }) => {
    const own = endsOf(writes, group);
    // Square matrices are a chain if something leads to them, or one leads on from them; the last of it is read by none.
    const isChain = own.writes > own.square || own.reads === own.square + 1;
    return (isChain && own.reads > 0 && own.reads >= own.writes - 1) || fed.has(writes);
  };
}
