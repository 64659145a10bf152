import type { Axis, CanonicalTensor, Role } from "./anatomy.ts";
import type { Flow } from "./flow.ts";
import { betweenGivenEnds } from "./given-ends.ts";
import type { Parameter } from "./layer.ts";
import type { TensorName } from "./name.ts";
import { positionsRead } from "./positions-read.ts";
import type { Reach } from "./reach.ts";
import { EMBEDDINGS, outerStacks } from "./stack.ts";
import { type Columns, readFlow, type WidthFlow } from "./width-flow.ts";

/** Roles that read the residual stream whatever the names around them say. */
const ATTENTION: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "qkv"]);
const RESIDUAL: ReadonlySet<Role> = new Set<Role>([...ATTENTION, "gate", "up", "router"]);
const TOKENS: ReadonlySet<Role> = new Set<Role>(["embed", "head"]);
/** Tables are indexed by tokens or places and write their columns. */
const TABLES: ReadonlySet<Role> = new Set<Role>([...TOKENS, "position", "token_type"]);
/** Widths that the inputs of a convolution in groups are looked for among. */
const MAX_WIDTHS = 64;
const MAY_BE_CHANNELS: ReadonlySet<Role> = new Set<Role>(["unknown", "other", "conv"]);

/**
 * What the columns of each matrix count, decided from all matrices together. Twins are judged among themselves: a model
 * that stores one linear as [in, out] stores all of them so. Those that tell nothing are dropped.
 */
export function labelled(
  stacked: readonly CanonicalTensor[],
  parameters: readonly Parameter[],
  reaches: ReadonlyMap<string, Reach>,
): readonly CanonicalTensor[] {
  const parameterOf = new Map<string, { readonly parameter: Parameter; readonly order: number }>();
  parameters.forEach((parameter, order) => {
    parameterOf.set(parameter.tensor, { parameter, order });
  });
  const flows = withGroups(
    stacked.map((matrix) => flowOfMatrix(matrix, parameterOf.get(matrix.tensor)!, reaches.get(matrix.tensor))),
  );
  const flow = readFlow(flows.filter((_, i) => stacked[i]!.twin !== true));
  const twins = new Set(stacked.filter(({ twin }) => twin === true).map(({ tensor }) => tensor));
  const twinFlow = readFlow(flows.filter(({ tensor }, i) => !twins.has(tensor) || stacked[i]!.twin === true));
  const positions = positionsRead(stacked, (tensor) => parameterOf.get(tensor)!.parameter);
  const attends = stacked.some(({ role, candidates }) => ATTENTION.has(role) || candidates?.includes("v") === true);
  const ends = twinEnds(stacked, flows);
  const isWritten = writtenWidths(flows.filter((_, i) => !RESIDUAL.has(stacked[i]!.role)));
  const isOpen = (matrix: CanonicalTensor): boolean =>
    !reaches.has(matrix.tensor) && MAY_BE_CHANNELS.has(matrix.role) && !isTokenTable(matrix) && axisOf(matrix) !== null;
  const between = betweenGivenEnds(
    stacked.flatMap((matrix, i) => (matrix.twin === true ? [] : [{ flow: flows[i] as Flow, open: isOpen(matrix) }])),
  );
  const attending = new Set(stacked.filter(({ role }) => ATTENTION.has(role)).map(({ stack }) => stack));
  const labels = stacked.map((matrix, i) => {
    const isPlace = positions.reads(matrix) || (matrix.twin === true && positions.mixes(matrix));
    // Readers alone make no stream: an adapter for a public model reads that model's dimensions, which were given to it.
    const isGiven = RESIDUAL.has(matrix.role) && !isWritten(flows[i] as Flow);
    const ways = between.get(matrix.tensor);
    // Where another part writes as wide a stream, the matrix may read that: whether it does, two models tell together.
    const isBehind = ways !== undefined && flow.hasSource(flows[i] as Flow, (flows[i] as Flow).reads);
    const axis = isPlace || isGiven || (ways === "given" && !isBehind) ? null : axisOf(matrix);
    if (axis !== "channels") {
      const label = { ...matrix, axis, block: matrix.cols };
      const given = mayBeGiven(matrix, flows[i] as Flow, flow, attending.has(matrix.stack));
      return given ? { ...label, given: true } : label;
    }
    const one = flows[i] as Flow;
    const reach = reaches.get(matrix.tensor);
    const columns = ends.has(one)
      ? "given"
      : positions.mixes(matrix)
        ? "own"
        : columnsOf(one, reach, matrix.twin === true ? twinFlow : flow);
    const block = columns === "given" ? null : blockOf(matrix, one, reach, flow, attends);
    if (block === null) return { ...matrix, axis: null, block: matrix.cols };
    const isPresumed = ways === "given" || (ways === "presumed" && !isBehind);
    return { ...matrix, axis, block, ...(columns === "presumed" || isPresumed ? { given: true } : {}) };
  });
  return labels.filter(({ twin, axis }) => twin !== true || axis !== null);
}

/**
 * Readers and writers without a source may stand in a public model's stream, as adapters and transcoders do. What words
 * alone call a network's output reads its hidden units only where the network stands in a stream of the model's own, and
 * one without attention beside it may lead from one public stream to another.
 */
function mayBeGiven({ role, guessed }: CanonicalTensor, one: Flow, flow: WidthFlow, attends: boolean): boolean {
  if (RESIDUAL.has(role)) return !flow.hasSource(one, one.reads);
  return role === "down" && (guessed === true || !attends) && !flow.hasSource(one, one.writes);
}

/** Whether another tensor writes what a matrix reads. */
function writtenWidths(flows: readonly Flow[]): (flow: Flow) => boolean {
  const writers = new Map<number, Set<string>>();
  for (const { writes, tensor } of flows) {
    const known = writers.get(writes);
    if (known === undefined) writers.set(writes, new Set([tensor]));
    else known.add(tensor);
  }
  return ({ reads, tensor }) => {
    const known = writers.get(reads);
    return known !== undefined && (known.size > 1 || !known.has(tensor));
  };
}

/** The last twin of a stack, read the wrong way, reads what the model gives out: classes, or an autoencoder's pixels. */
function twinEnds(matrices: readonly CanonicalTensor[], flows: readonly Flow[]): ReadonlySet<Flow> {
  const ends = new Map<string, Flow>();
  matrices.forEach(({ twin }, i) => {
    const flow = flows[i] as Flow;
    if (twin === true && flow.order >= (ends.get(flow.stack)?.order ?? 0)) ends.set(flow.stack, flow);
  });
  return new Set(ends.values());
}

/** Which part of the model each matrix belongs to. */
export function withStacks(matrices: readonly CanonicalTensor[]): readonly CanonicalTensor[] {
  const outside = matrices.filter((matrix) => matrix.layer < 0 && !isTokenTable(matrix));
  const stacks = outerStacks(matrices, outside);
  return matrices.map((matrix) => {
    if (matrix.layer >= 0) return matrix;
    return { ...matrix, stack: isTokenTable(matrix) ? EMBEDDINGS : (stacks.get(matrix.tensor) as string) };
  });
}

/** Rows are token ids, by the role or because nothing else is possible. */
function isTokenTable({ role, candidates }: Pick<CanonicalTensor, "role" | "candidates">): boolean {
  return role === "unknown" ? everyCandidate(candidates, TOKENS) : TOKENS.has(role);
}

function everyCandidate(candidates: readonly Role[] | undefined, roles: ReadonlySet<Role>): boolean {
  return candidates !== undefined && candidates.length > 0 && candidates.every((role) => roles.has(role));
}

/** "channels" only if another matrix writes the columns. */
function axisOf(matrix: CanonicalTensor): Axis | null {
  const { role, candidates, layer } = matrix;
  if (RESIDUAL.has(role) || isTokenTable(matrix)) return "residual";
  if (role === "down") return "neurons";
  // What stands for itself outside the layers (poolers, projections, classifiers) reads hidden units.
  if (!MAY_BE_CHANNELS.has(role) || (role === "other" && layer >= 0)) return null;
  if (everyCandidate(candidates, RESIDUAL)) return "residual";
  return candidates?.length === 1 && candidates[0] === "down" ? "neurons" : "channels";
}

/**
 * Columns of an attention's output count the channels of its heads, which can be exchanged within a head only: where a
 * matrix may be one, only neighbours are taken for alike.
 */
function blockOf(
  matrix: CanonicalTensor,
  one: Flow,
  reach: Reach | undefined,
  flow: WidthFlow,
  attends: boolean,
): number | null {
  if (reach !== undefined && reach.columns !== "read") return reach.run ?? matrix.cols;
  const run = flow.runOf(one, matrix.cols);
  const mayBeOutput = matrix.role === "unknown" && (matrix.candidates !== undefined || attends);
  if (run === null || !mayBeOutput) return run;
  return run % 2 === 0 ? 2 : null;
}

function columnsOf(one: Flow, reach: Reach | undefined, flow: WidthFlow): Columns {
  switch (reach?.columns) {
    case "state":
      return "own";
    case "given":
      return "given";
    case "written":
      return flow.isRead(one) ? "own" : "given";
    default:
      return flow.columnsOf(one);
  }
}

function flowOfMatrix(
  matrix: CanonicalTensor,
  { parameter, order }: { readonly parameter: Parameter; readonly order: number },
  reach: Reach | undefined,
): Flow {
  const { tensor, stack, layer, role, rows, cols } = matrix;
  const place = { tensor, stack, group: containerOf(parameter.name), layer, order };
  if (reach !== undefined) return { ...place, reads: reach.reads, writes: reach.writes, kernel: role === "conv" };
  const table = TABLES.has(role) || isTokenTable(matrix);
  const reads = table || role === "patch" ? 0 : cols;
  return { ...place, reads, writes: table ? cols : rows };
}

/** Path of a module but for its own name, or for its number in a sequence. */
function containerOf({ stack, layer, stem }: TensorName): string {
  const own = stem.lastIndexOf(".");
  return stem === "" ? stack : `${stack}.${layer}.${own < 0 ? "" : stem.slice(0, own)}`;
}

/**
 * A convolution in groups has the inputs of one group only: that shows where nothing writes so many channels. All its inputs
 * are as many as its outputs, where others write so many, or else the commonest width that its groups can make up.
 */
function withGroups(flows: readonly Flow[]): readonly Flow[] {
  const written = new Map<number, number>();
  const alike = new Map<string, number>();
  for (const { reads, writes } of flows) {
    written.set(writes, (written.get(writes) ?? 0) + 1);
    alike.set(`${reads} ${writes}`, (alike.get(`${reads} ${writes}`) ?? 0) + 1);
  }
  const widths = [...written].sort(([a, m], [b, n]) => n - m || a - b).slice(0, MAX_WIDTHS);
  return flows.map((flow) => {
    const { reads, writes, kernel } = flow;
    if (kernel !== true || reads <= 0 || reads >= writes || writes % reads !== 0 || written.has(reads)) return flow;
    const count = written.get(writes) as number;
    const isOthers = count > (alike.get(`${reads} ${writes}`) as number);
    const made = isOthers ? undefined : widths.find(([width]) => width !== writes && isMadeOf(width, reads, writes));
    if (made === undefined && count === 1) return flow;
    return { ...flow, reads: made?.[0] ?? writes, grouped: true };
  });
}

/** Whether groups of so many inputs each can make up a width, and share the outputs among them. */
function isMadeOf(width: number, reads: number, writes: number): boolean {
  return width > reads && width % reads === 0 && writes % (width / reads) === 0;
}
