import type { CanonicalTensor, Gain, Role } from "./anatomy.ts";
import type { Parameter } from "./layer.ts";
import type { LayerNorms } from "./norm.ts";
import { readShapes, type Shape } from "./shapes.ts";
import { plainView, shapeClass, transposedView } from "./view.ts";

/** A parameter that no name explains, with the place that is known of it. */
export interface Unknown {
  readonly parameter: Parameter;
  readonly component: string;
  readonly stack: string;
  /** -1 when no number in the name counts layers. */
  readonly layer: number;
  /** Null outside the layers. */
  readonly norms: LayerNorms | null;
}

/** Roles that one shape may settle in a layer that has every other one; fused and rare ones need more than a shape. */
const SETTLED: ReadonlySet<Role> = new Set<Role>(["q", "o", "up", "down"]);

/** Known matrices per unknown one above which the leftovers are parts of their own, of which other shapes say nothing. */
const MOSTLY_KNOWN = 3;

/**
 * Matrices of the parameters that names do not explain. Shapes and repetition, over the whole component, give the roles
 * that each may play; one that its layer lacks and nothing else can play is taken, so is the only table for the
 * embedding. The others stay `unknown` with their candidates.
 */
export function unknownMatrices(
  unknown: readonly Unknown[],
  known: readonly CanonicalTensor[],
): readonly CanonicalTensor[] {
  const knownBy = groupBy(known, ({ component }) => component);
  const unknownBy = groupBy(
    unknown.filter(({ parameter }) => isMatrix(parameter)),
    ({ component }) => component,
  );
  const matrices: CanonicalTensor[] = [];
  for (const [component, list] of unknownBy) {
    const understood = knownBy.get(component) ?? [];
    for (const matrix of resolve(list, understood)) matrices.push(matrix);
  }
  return matrices;
}

function resolve(list: readonly Unknown[], known: readonly CanonicalTensor[]): readonly CanonicalTensor[] {
  const readable = known.length <= MOSTLY_KNOWN * list.length && known.every(({ colStride }) => colStride === 1);
  const layered = known.some(({ role }) => role !== "unknown") || hasDeepLayer(list);
  const read = readable
    ? readShapes([...known, ...list.map(({ parameter }) => flatShape(parameter.shape))], layered)
    : null;
  const taken = new Set(known.map(({ layer, role }) => `${layer} ${role}`));
  const drafts = list.map((one) => {
    const { rows, cols } = flatShape(one.parameter.shape);
    const reading = one.parameter.shape.length === 2 ? read?.({ rows, cols }) : undefined;
    const candidates = (reading?.candidates ?? []).filter((role) => !taken.has(`${one.layer} ${role}`));
    const rivalry = `${one.layer} ${candidates} ${shapeClass({ rows, cols })}`;
    return { ...one, rows, cols, transposed: reading?.transposed === true, candidates, rivalry };
  });
  // How many could play the same roles in the same layer: a role is settled only where there is one.
  const rivals = new Map<string, number>();
  for (const { rivalry } of drafts) rivals.set(rivalry, (rivals.get(rivalry) ?? 0) + 1);

  return drafts.map((one) => {
    const { parameter, component, stack, layer, candidates, rows, cols } = one;
    const alone = layered && rivals.get(one.rivalry) === 1;
    const role = alone ? settledRole(layer, candidates) : "unknown";
    const gain = gainOf(one, role === "unknown" ? candidates : [role]);
    const place = { component, stack, layer, expert: parameter.name.expert, role, tensor: parameter.tensor, gain };
    const view = one.transposed ? transposedView(place, cols, rows) : plainView(place, rows, cols);
    return role !== "unknown" || candidates.length === 0 ? view : { ...view, candidates };
  });
}

/** A layer of a transformer has several matrices: numbers that count one each are of a chain of linears. */
function hasDeepLayer(list: readonly Unknown[]): boolean {
  const layers = list.map(({ layer }) => layer).filter((layer) => layer >= 0);
  return new Set(layers).size < layers.length;
}

function settledRole(layer: number, candidates: readonly Role[]): Role {
  const [first] = candidates as readonly [Role, ...Role[]];
  if (layer >= 0) return candidates.length === 1 && SETTLED.has(first) ? first : "unknown";
  // One table for tokens: without a head of its own the model reads and writes through it.
  return candidates.length === 2 && first === "embed" ? "embed" : "unknown";
}

/** The gain is known where all candidates read the same norm. */
function gainOf({ norms, parameter }: Unknown, candidates: readonly Role[]): Gain | null {
  const [first, ...rest] = candidates.map((role) => norms?.gainOf(role, parameter.name.stem) ?? null);
  if (first === undefined || first === null) return null;
  return rest.every((gain) => gain?.tensor === first.tensor) ? first : null;
}

function isMatrix({ shape }: Parameter): boolean {
  const { rows, cols } = flatShape(shape);
  return rows > 1 && cols > 1;
}

/** Convolutions and stacks are flattened to their last axis. */
function flatShape(shape: readonly number[]): Shape {
  return { rows: shape.slice(0, -1).reduce((product, n) => product * n, 1), cols: shape.at(-1) as number };
}

function groupBy<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}
