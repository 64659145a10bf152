import type { Flow } from "./flow.ts";
import { headsOf } from "./side-by-side.ts";
import { streamMaps } from "./stream-maps.ts";
import { widthsApart } from "./widths-apart.ts";

/** What passes through the matrices of a model, as far as their shapes tell: which of them write what which others read. */

/** Between more stacks than any model has, widths say nothing: it keeps the work linear. */
const MAX_STACKS = 64;
/** What several matrices of numbered layers read is no input of the model, which one or two do. */
const FEWEST_READERS = 3;
/** Narrower parts are no blocks of features that are put side by side. */
const NARROWEST_PART = 8;
const MAX_PARTS = 64;

interface Writers {
  count: number;
  first: number;
}

interface Stack {
  readonly name: string;
  readonly flows: Flow[];
  /** The first matrix that reads a width. */
  first: Flow | null;
  readonly written: Map<number, Writers>;
  /** Whether nothing shows that a width is of the model's own making; asked once, of thousands of matrices. */
  given?: "codec" | "square" | "no";
}

/**
 * What the columns of a matrix are: hidden units of the network, which another matrix writes; the same of one that shows
 * nothing of its own stream, heads side by side; or what was given from outside.
 */
export type Columns = "own" | "presumed" | "given";

export interface WidthFlow {
  readonly columnsOf: (flow: Flow) => Columns;
  /**
   * Whether a stream of this width has a source: a table or a kernel that embeds what was given, or a matrix of another part
   * that writes it. Without one it may be a public model's, which adapters, transcoders and probes read and write.
   */
  readonly hasSource: (flow: Flow, width: number) => boolean;
  /** Whether another matrix reads what this one writes. */
  readonly isRead: (flow: Flow) => boolean;
  /** Length of the runs of columns that come from one matrix each; null where they are too short to tell anything. */
  readonly runOf: (flow: Flow, cols: number) => number | null;
}

export function readFlow(flows: readonly Flow[]): WidthFlow {
  const stacks = stacksOf(flows);
  const readers = new Map<number, number>();
  for (const { reads } of flows) readers.set(reads, (readers.get(reads) ?? 0) + 1);
  // What embeds something given makes hidden units of it.
  const embedded = new Set(flows.filter(({ reads }) => reads === 0).map(({ writes }) => writes));
  const kernels = new Set(flows.filter(({ kernel }) => kernel === true).map(({ writes }) => writes));
  const heads = headsOf(flows);
  const maps = streamMaps(flows);
  const writersOf = stacks.size <= MAX_STACKS ? stacksByWidth(stacks) : null;
  const apart = new Map<Stack, ReadonlySet<number>>();
  const joined = new Map<Stack, Joined>();
  for (const stack of stacks.values()) {
    joined.set(stack, joinedWidths(stack, isFed));
    if (stack.flows.some(({ layer }) => layer >= 0)) apart.set(stack, widthsApart(stack.flows));
  }

  /** Whether a stack can have got its input from another one, which must not be the other way about as well. */
  function isFed(stack: Stack, width: number): boolean {
    if (writersOf === null) return false;
    for (const writer of writersOf.get(width) ?? []) {
      if (writer !== stack && !(reads(writer, stack) && reads(stack, writer))) return true;
    }
    return false;
  }

  function isWritten(flow: Flow): boolean {
    const stack = stacks.get(flow.stack)!;
    return isFed(stack, flow.reads) || joined.get(stack)!.widths.has(flow.reads) || isWrittenInside(stack, flow);
  }

  return {
    columnsOf: (flow) => {
      if (apart.get(stacks.get(flow.stack)!)?.has(flow.reads)) return "given";
      if (embedded.has(flow.reads)) return "own";
      if (maps.has(flow) || !isWritten(flow)) return "given";
      return heads.has(flow) ? "presumed" : "own";
    },
    hasSource: (flow, width) => embedded.has(width) || kernels.has(width) || isFed(stacks.get(flow.stack)!, width),
    isRead: ({ reads, writes }) => (readers.get(writes) ?? 0) > (reads === writes ? 1 : 0),
    runOf: ({ stack, grouped }, cols) => {
      const run = joined.get(stacks.get(stack)!)!.run;
      if (run === null || grouped === true) return cols;
      const common = divisor(run, cols);
      return common < 2 ? null : common;
    },
  };
}

/**
 * Inside a stack a width that its first matrix reads is the interface: only what came before can have written it, and
 * where the first matrix leaves it for another width and it comes back, it is the given one still (an autoencoder's
 * pixels, a residual stream of raw features).
 */
function isWrittenInside(stack: Stack, flow: Flow): boolean {
  if (stack.given === undefined) stack.given = isCodec(stack) ? "codec" : isAllSquare(stack) ? "square" : "no";
  if (stack.given === "codec") return false;
  const first = stack.first as Flow;
  const width = flow.reads;
  const writers = stack.written.get(width);
  const others = (writers?.count ?? 0) - (flow.writes === width ? 1 : 0);
  if (width !== first.reads) return others > 0 || halfWritten(stack, width);
  if (stack.given === "square") return false;
  return others > 0 && first.writes === width && flow !== first && (writers as Writers).first < flow.order;
}

/**
 * Where all matrices of a stack are square and of one width, they may be a chain, or stand side by side, each reading what
 * was given (a lens on every layer of a public model): nothing shows that the width is of the model's own making.
 */
function isAllSquare({ flows, first }: Stack): boolean {
  return flows.every(({ reads, writes }) => reads === writes && reads === first?.reads);
}

/** Where all matrices lead from one width to another or back, either may be the one that was given (an autoencoder's). */
function isCodec({ flows }: Stack): boolean {
  const widths = new Set(flows.flatMap(({ reads, writes }) => [reads, writes]));
  return widths.size === 2 && flows.every(({ reads, writes, kernel }) => reads !== writes && kernel !== true);
}

/** Gated units: one matrix writes both factors of what the next one reads. */
function halfWritten({ written }: Stack, width: number): boolean {
  return written.has(2 * width);
}

function reads({ first }: Stack, { written }: Stack): boolean {
  return first !== null && written.has(first.reads);
}

function stacksOf(flows: readonly Flow[]): ReadonlyMap<string, Stack> {
  const stacks = new Map<string, Stack>();
  for (const flow of flows) {
    let stack = stacks.get(flow.stack);
    if (stack === undefined) {
      stack = { name: flow.stack, flows: [], first: null, written: new Map() };
      stacks.set(flow.stack, stack);
    }
    stack.flows.push(flow);
    if (flow.reads > 0 && (stack.first === null || flow.order < stack.first.order)) stack.first = flow;
    const writers = stack.written.get(flow.writes);
    if (writers === undefined) stack.written.set(flow.writes, { count: 1, first: flow.order });
    else {
      writers.count += 1;
      writers.first = Math.min(writers.first, flow.order);
    }
  }
  return stacks;
}

function stacksByWidth(stacks: ReadonlyMap<string, Stack>): ReadonlyMap<number, readonly Stack[]> {
  const found = new Map<number, Stack[]>();
  for (const stack of stacks.values()) {
    for (const width of stack.written.keys()) {
      const known = found.get(width);
      if (known === undefined) found.set(width, [stack]);
      else known.push(stack);
    }
  }
  return found;
}

interface Joined {
  /** Widths that several outputs side by side make up. */
  readonly widths: ReadonlySet<number>;
  /** What divides all outputs of the stack; null where nothing is joined. */
  readonly run: number | null;
}

/** Widths that nothing writes but sums of written ones make: DenseNet, Inception, skips of a U-Net. */
function joinedWidths(stack: Stack, isFed: (stack: Stack, width: number) => boolean): Joined {
  const { flows, first, written } = stack;
  const parts = [...written.keys()].filter((width) => width >= NARROWEST_PART).sort((a, b) => a - b);
  const tried = parts.slice(0, MAX_PARTS);
  const widths = new Set<number>();
  const refused = new Set<number>();
  const firstReaders = flows.filter(({ reads }) => reads === first?.reads);
  const isGiven = firstReaders.length < FEWEST_READERS || !firstReaders.every(({ layer }) => layer >= 0);
  for (const flow of flows) {
    const width = flow.reads;
    // A linear that reads a multiple of what is written reads flattened maps, whose places are no labels.
    if (flow.kernel !== true || written.has(width) || widths.has(width) || refused.has(width)) continue;
    const given = width === first?.reads && isGiven;
    const isSum =
      !given && !isFed(stack, width) && tried.some((a) => a < width && tried.some((b) => (width - a) % b === 0));
    (isSum ? widths : refused).add(width);
  }
  return { widths, run: widths.size === 0 ? null : parts.reduce(divisor, 0) };
}

/** Greatest common divisor. */
function divisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
