import type { Flow } from "./flow.ts";

/** What a matrix connects. */
export interface OpenFlow {
  readonly flow: Flow;
  /** Whether nothing but shapes says what its columns count. */
  readonly open: boolean;
}

/** Between more widths than any stack has, nothing is followed: it keeps the work linear. */
const MAX_WIDTHS = 512;
/** Networks have so many matrices for each that leads past them: attention without names has fewer. */
const MOST_BESIDE = 2;

/**
 * Matrices that may lead from one given stream to another, so that neither their rows nor their columns count units of the
 * model's own: lenses and probes on the layers of a public model, and the skips of transcoders. They read a width that no
 * matrix of their stack makes of another one, but for those that lead back to it, and what they write is that width again or
 * read by none of the stack. The matrices of attention look alike, and are as many as those of the networks beside them: of
 * these it is presumed that their columns are units of the model's own.
 */
export function betweenGivenEnds(matrices: readonly OpenFlow[]): ReadonlyMap<string, "given" | "presumed"> {
  const found = new Map<string, "given" | "presumed">();
  const stacks = new Map<string, OpenFlow[]>();
  for (const matrix of matrices) {
    const { reads, stack: name } = matrix.flow;
    if (reads === 0) continue;
    const stack = stacks.get(name);
    if (stack === undefined) stacks.set(name, [matrix]);
    else stack.push(matrix);
  }
  for (const stack of stacks.values()) {
    const made = widthsMade(stack.map(({ flow }) => flow));
    if (made === null) continue;
    const isRead = new Set(stack.map(({ flow }) => flow.reads));
    const between = stack.filter(({ open, flow: { reads, writes, kernel } }) => {
      return open && kernel !== true && !made.has(reads) && (writes === reads || !isRead.has(writes));
    });
    const others = stack.length - between.length;
    if (others === 0 && (stack.length === 1 || isChain(stack))) continue;
    const columns = others > 0 && mayAttend(stack, between.length, others) ? "presumed" : "given";
    for (const { flow } of between) found.set(flow.tensor, columns);
  }
  return found;
}

/**
 * Whether matrices that lead past the others may be attention's: as many as those, and in numbered layers some as wide as the
 * stream, or all three side by side. Probes beside a module lead to classes.
 */
function mayAttend(stack: readonly OpenFlow[], between: number, others: number): boolean {
  if (between <= others / MOST_BESIDE) return false;
  const isStream = ({ flow: { reads, writes } }: OpenFlow): boolean => writes === reads || writes === 3 * reads;
  return stack.some(isStream) || !stack.every(({ flow }) => flow.layer >= 0);
}

/** Whether the last matrix alone leads elsewhere, as the last of a network does. */
function isChain(stack: readonly OpenFlow[]): boolean {
  const ends = stack.filter(({ flow }) => flow.reads !== flow.writes);
  return ends.length === 1 && stack.every(({ flow }) => flow.order <= ends[0]!.flow.order);
}

/** Widths that are written from another one and do not lead back to themselves through others, as a residual stream does. */
function widthsMade(stack: readonly Flow[]): ReadonlySet<number> | null {
  const next = new Map<number, Set<number>>();
  for (const { reads, writes } of stack) {
    if (reads === writes) continue;
    const known = next.get(reads);
    if (known === undefined) next.set(reads, new Set([writes]));
    else known.add(writes);
  }
  if (next.size > MAX_WIDTHS) return null;
  const leadsBack = (width: number): boolean => {
    const seen = new Set<number>();
    const open = [...(next.get(width) ?? [])];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === width) return true;
      if (seen.has(at)) continue;
      seen.add(at);
      open.push(...(next.get(at) ?? []));
    }
    return false;
  };
  const made = new Set<number>();
  for (const written of next.values()) for (const width of written) made.add(width);
  for (const width of made) if (leadsBack(width)) made.delete(width);
  return made;
}
