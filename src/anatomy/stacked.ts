import type { Anatomy, CanonicalTensor, TensorTable } from "./anatomy.ts";
import { layerUse } from "./layer-table.ts";
import { CONTAINERS, parseTensorName } from "./name.ts";

/** More layers than any model has; and so many tensors of layers in all that a header may ask for. */
const MOST_LAYERS = 4096;
const MOST_TENSORS = 2 ** 17;
/** Stacked matrices of known roles that there must be. */
const FEWEST = 2;

/** A model that keeps all layers of a stack in one tensor, as `scan` in JAX does, with one tensor a layer instead. */
export interface Unstacked {
  readonly table: TensorTable;
  /** Where the tensors of layers lie: the stored tensor, and the first element there. */
  readonly sources: ReadonlyMap<string, { readonly tensor: string; readonly start: number }>;
  /** How many stored tensors hold how many layers. */
  readonly tensors: number;
  readonly layers: number;
}

/**
 * Tensors below a word for layers that no number follows hold several layers if all of them, scalars ([L]) and norms ([L, d]) as
 * well as matrices ([L, out, in]), begin with one and the same axis. Experts ([E, out, in]) stand below a numbered layer, or
 * beside matrices without such an axis. Null where nothing is stacked.
 */
export function unstacked(tensors: TensorTable): Unstacked | null {
  const stacks = new Map<string, string[]>();
  for (const name of tensors.keys()) {
    const container = containerOf(name);
    if (container === null) continue;
    const names = stacks.get(container);
    if (names === undefined) stacks.set(container, [name]);
    else names.push(name);
  }
  const table = new Map(tensors);
  const sources = new Map<string, { readonly tensor: string; readonly start: number }>();
  const found = { tensors: 0, layers: 0 };
  for (const [container, names] of stacks) {
    const layers = commonLayers(container, names, tensors);
    if (layers === 0 || sources.size + layers * names.length > MOST_TENSORS) continue;
    const paths = names.flatMap((name) => Array.from({ length: layers }, (_, i) => nameOf(container, name, i)));
    if (paths.some((path) => table.has(path))) continue;
    found.tensors += names.length;
    found.layers = Math.max(found.layers, layers);
    for (const tensor of names) {
      const info = tensors.get(tensor)!;
      const shape = info.shape.slice(1);
      const size = shape.reduce((product, n) => product * n, 1);
      table.delete(tensor);
      for (let i = 0; i < layers; i++) {
        const name = nameOf(container, tensor, i);
        table.set(name, { ...info, name, shape });
        sources.set(name, { tensor, start: i * size });
      }
    }
  }
  return found.tensors === 0 ? null : { table, sources, ...found };
}

/**
 * What was found of the tensors of layers, as views on the stored ones. The gain of a layer is no tensor of its own: it is left
 * out.
 */
export function restacked(anatomy: Anatomy, { sources, tensors, layers }: Unstacked): Anatomy {
  const matrices = anatomy.matrices.map((matrix): CanonicalTensor => {
    const source = sources.get(matrix.tensor);
    const gain = matrix.gain === null || sources.has(matrix.gain.tensor) ? null : matrix.gain;
    if (source === undefined) return { ...matrix, gain };
    const { rowOffset } = matrix;
    return { ...matrix, gain, tensor: source.tensor, rowOffset: (row) => source.start + rowOffset(row) };
  });
  const covered = new Set(matrices.map(({ tensor }) => tensor));
  const others = new Map<string, Anatomy["others"][number]>();
  for (const { tensor, role } of anatomy.others) {
    const stored = sources.get(tensor)?.tensor ?? tensor;
    if (!covered.has(stored) && !others.has(stored)) others.set(stored, { tensor: stored, role });
  }
  const notes = [`${tensors} tensors hold ${layers} layers each, stacked: they were read layer by layer`];
  return { ...anatomy, matrices, others: [...others.values()], notes: [...anatomy.notes, ...notes] };
}

/** The path up to and with a word for layers without a number, null for names without one. */
function containerOf(name: string): string | null {
  if (parseTensorName(name).layer >= 0) return null;
  const path = name.split(".");
  const at = path.findIndex((segment) => CONTAINERS.has(segment));
  return at < 0 || at + 1 >= path.length ? null : path.slice(0, at + 1).join(".");
}

function nameOf(container: string, name: string, layer: number): string {
  return `${container}.${layer}${name.slice(container.length)}`;
}

/** The axis that all tensors of a stack begin with, 0 where there is none or nothing shows that it counts layers. */
function commonLayers(container: string, names: readonly string[], tensors: TensorTable): number {
  const shapes = names.map((name) => tensors.get(name)!.shape);
  const layers = shapes[0]![0] as number;
  if (!(layers >= 2 && layers <= MOST_LAYERS)) return 0;
  if (!shapes.every((shape) => shape[0] === layers)) return 0;
  const known = names.filter((name, i) => {
    const { pattern } = parseTensorName(nameOf(container, name, 0));
    return shapes[i]!.length === 3 && !pattern.includes("expert") && layerUse(pattern) !== undefined;
  });
  return known.length >= FEWEST ? layers : 0;
}
