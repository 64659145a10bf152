import type { Flow } from "./flow.ts";

/** Two widths that lead to one another are an autoencoder's, or a residual block's. */
const FEWEST_WIDTHS = 3;
/** Matrices of a chain that have a name of their own: into what lies in its middle, and out of it. */
const MOST_SINGLE = 4;
const SUFFIX = /[._]?weight$/;
const NUMBER = /[._]?[0-9]+$/;
/** Between more widths than any chain of linears has, nothing is followed: it keeps the work bounded. */
const MAX_WIDTHS = 512;

/**
 * Linears that lead around between three widths and more, in no order of a chain: maps between the streams of several public
 * models. An autoencoder leads back to its pixels as well, one matrix after the other.
 */
export function streamMaps(flows: readonly Flow[]): ReadonlySet<Flow> {
  const found = new Set<Flow>();
  const plain = flows.filter(isPlain(flows));
  for (const widths of circles(plain)) {
    const inside = plain.filter(({ reads, writes }) => widths.has(reads) && widths.has(writes));
    if (!isChain(inside.sort((a, b) => a.order - b.order))) for (const flow of inside) found.add(flow);
  }
  return found;
}

/** Linears outside of layers, and those that are alone in theirs. */
function isPlain(flows: readonly Flow[]): (flow: Flow) => boolean {
  const placeOf = ({ stack, layer }: Flow): string => `${layer} ${stack}`;
  const count = new Map<string, number>();
  for (const flow of flows) count.set(placeOf(flow), (count.get(placeOf(flow)) ?? 0) + 1);
  return (flow) => flow.kernel === undefined && flow.reads > 0 && (flow.layer < 0 || count.get(placeOf(flow)) === 1);
}

/**
 * Whether all lie in the order of a chain, or those of one name with another number do, forwards or backwards, and hardly any
 * has a name of its own (enc1, enc2, dec2, dec1; fc1, fc31, fc32, fc4).
 */
function isChain(flows: readonly Flow[]): boolean {
  if (isOrdered(flows)) return true;
  const series = new Map<string, Flow[]>();
  for (const flow of flows) {
    const name = flow.tensor.replace(SUFFIX, "").replace(NUMBER, "");
    const list = series.get(name);
    if (list) list.push(flow);
    else series.set(name, [flow]);
  }
  const lists = [...series.values()];
  const single = lists.filter(({ length }) => length === 1).length;
  return single < lists.length && single <= MOST_SINGLE && lists.every(isSeries);
}

function isSeries(flows: readonly Flow[]): boolean {
  const byText = [...flows].sort((a, b) => (a.tensor < b.tensor ? -1 : 1));
  return [flows, [...flows].reverse(), byText].some(isOrdered);
}

/** Whether each reads what the one before it wrote, or stands beside that one and leads from the same to the same. */
function isOrdered(flows: readonly Flow[]): boolean {
  return flows.every((flow, i) => {
    const before = flows[i - 1];
    return before === undefined || flow.reads === before.writes || isTwin(flow, before);
  });
}

function isTwin(a: Flow, b: Flow): boolean {
  return a.reads === b.reads && a.writes === b.writes;
}

/** Sets of widths each of which leads to all others of its set. */
function circles(flows: readonly Flow[]): readonly ReadonlySet<number>[] {
  const next = new Map<number, Set<number>>();
  for (const { reads, writes } of flows) {
    if (reads === writes) continue;
    const known = next.get(reads);
    if (known === undefined) next.set(reads, new Set([writes]));
    else known.add(writes);
  }
  if (next.size > MAX_WIDTHS) return [];
  const reached = new Map([...next.keys()].map((width) => [width, reachedFrom(width, next)]));
  const out: ReadonlySet<number>[] = [];
  const placed = new Set<number>();
  for (const [width, there] of reached) {
    if (placed.has(width)) continue;
    const circle = new Set([...there].filter((other) => reached.get(other)?.has(width) === true));
    for (const other of circle) placed.add(other);
    if (circle.size >= FEWEST_WIDTHS) out.push(circle);
  }
  return out;
}

function reachedFrom(width: number, next: ReadonlyMap<number, ReadonlySet<number>>): ReadonlySet<number> {
  const seen = new Set<number>();
  const open = [width];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const to of next.get(at) ?? []) {
      if (seen.has(to)) continue;
      seen.add(to);
      open.push(to);
    }
  }
  return seen;
}
