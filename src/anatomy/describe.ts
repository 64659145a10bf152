import type { Anatomy, CanonicalTensor, Role, TensorTable } from "./anatomy.ts";
import { componentFacts, componentsOf, finalGain } from "./component.ts";
import { configNotes } from "./config-notes.ts";
import { familyOf, plainFamily } from "./family.ts";
import { labelled, withStacks } from "./labels.ts";
import { groupLayers, looseStacks, type Parameter } from "./layer.ts";
import { type Found, layerMatrices, MAX_EXPERT_VIEWS } from "./layer-matrices.ts";
import { parseTensorName, type TensorName } from "./name.ts";
import { compareNames, compareText } from "./natural-order.ts";
import { layerNorms } from "./norm.ts";
import { outerMatrices, withoutStrayHeads } from "./outer-matrices.ts";
import { sidecarOf } from "./sidecar.ts";
import { specialMatrices } from "./special-matrices.ts";
import { stackOfLayers } from "./stack.ts";
import { restacked, unstacked } from "./stacked.ts";
import { type StorageOrder, storageOrder } from "./storage-order.ts";
import { withTwins } from "./twin.ts";
import { type Unknown, unknownMatrices } from "./unknown.ts";
import { vectorRole } from "./vector.ts";
import { turnedView } from "./view.ts";

/** Element types whose values are weights. I8 carries the signs and, up to a scale per row, the values of int8 models. */
const WEIGHT_DTYPES = new Set(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I8"]);

/** How much a role counts towards the confidence: read from words, settled by shapes, only limited by them. */
const TRUST_WORDS = 0.9;
const TRUST_SHAPES = 0.7;
const TRUST_NONE = 0.3;

/**
 * What every stored tensor is. Names and shapes alone decide; `config` only adds notes, so that a config that was edited,
 * lies or is missing changes no matrix. Never throws; linear in the number of tensors but for one sort.
 */
export function describeAnatomy(tensors: TensorTable, config: Readonly<Record<string, unknown>> | null): Anatomy {
  const layered = unstacked(tensors);
  return layered === null ? describe(tensors, config) : restacked(describe(layered.table, config), layered);
}

function describe(tensors: TensorTable, config: Readonly<Record<string, unknown>> | null): Anatomy {
  const others: { tensor: string; role: Role }[] = [];
  const known = knownInOut(tensors);
  const stored = parametersOf(tensors, others).map((parameter) =>
    known.has(parameter.tensor) ? turned(parameter) : parameter,
  );
  const loose = looseStacks(stored);
  const isStack = (name: TensorName): boolean => !name.loose || loose.has(name.stack);
  const lying = groupLayers(stored, isStack);
  const order = storageOrder(lying.layers, lying.outside, known);
  // Everything below knows one way to lay a linear: those that lie the other way are turned here, and back at the end.
  const parameters = stored.map((parameter) => (order.inOut.has(parameter.tensor) ? turned(parameter) : parameter));
  const { layers, outside } = order.inOut.size === 0 ? lying : groupLayers(parameters, isStack);

  const componentOf = componentsOf(parameters);
  const factsOf = componentFacts(componentOf, layers, outside);
  const named: CanonicalTensor[] = [];
  const unknown: Unknown[] = [];
  let guessed = 0;
  const collect = (found: Found, placeOf: (parameter: Parameter) => Omit<Unknown, "parameter">): void => {
    for (const matrix of found.matrices) named.push(matrix);
    for (const parameter of found.unknown) unknown.push({ parameter, ...placeOf(parameter) });
    guessed += found.guessed;
  };
  collect(outerMatrices(outside, componentOf, factsOf), ({ name }) => ({
    component: componentOf(name.stem.split(".")),
    stack: "",
    layer: -1,
    norms: null,
  }));
  const budget = { views: MAX_EXPERT_VIEWS };
  for (const layer of layers) {
    const component = componentOf(layer.stack.split("."));
    const facts = factsOf(component);
    const crossGain = component === "decoder" ? finalGain(factsOf("encoder")) : null;
    const norms = layerNorms(layer, facts);
    const stack = stackOfLayers(layer.stack);
    const place = { component, stack, layer: layer.index, norms };
    collect(layerMatrices(layer, { component, stack, norms, crossGain, budget }), () => place);
  }
  const language = layers.filter((layer) => componentOf(layer.stack.split(".")) === "language");
  const family = familyOf(language.length > 0 ? language : layers, parameters, factsOf("language").plusOne);
  const matrices = [...withoutStrayHeads(named)];
  const special = specialMatrices(unknown, parameters);
  const understood = matrices.length + special.matrices.length - guessed;
  let settled = 0;
  const unnamed = unknownMatrices(special.rest, matrices);
  for (const matrix of special.matrices) matrices.push(matrix);
  for (const matrix of unnamed) {
    matrices.push(matrix);
    if (matrix.role !== "unknown") settled += 1;
  }
  const open = matrices.length - understood - guessed - settled;
  const trust = understood + guessed * TRUST_WORDS + settled * TRUST_SHAPES + open * TRUST_NONE;
  const confidence = matrices.length === 0 ? 0 : trust / matrices.length;

  const used = new Set(matrices.map((matrix) => matrix.tensor));
  for (const parameter of parameters) {
    if (!used.has(parameter.tensor)) others.push({ tensor: parameter.tensor, role: vectorRole(parameter) });
  }
  const { reaches } = special;
  const complete = withTwins(withStacks(matrices), { tensors, reaches, confidence, open: order.open, known });
  return {
    family: family === "unknown" ? (plainFamily(matrices, reaches) ?? family) : family,
    confidence,
    matrices: labelled(complete, parameters, reaches)
      // Of the two axes of such a linear one may be a public model's stream.
      .map((matrix) => (order.open.has(matrix.tensor) && matrix.axis !== null ? { ...matrix, given: true } : matrix))
      .map((matrix) => withFittingGain(matrix, tensors))
      .map((matrix) =>
        order.inOut.has(matrix.tensor) || known.has(matrix.tensor) ? asStored(matrix, tensors) : matrix,
      )
      .sort(byPlace),
    others: others.sort((a, b) => compareText(a.tensor, b.tensor)),
    notes: [...readingNotes(guessed, settled, open), ...orderNotes(order, complete), ...configNotes(config, matrices)],
  };
}

function readingNotes(guessed: number, settled: number, open: number): readonly string[] {
  const notes: string[] = [];
  if (guessed > 0)
    notes.push(`roles of ${guessed} matrices were read from the words of unknown names and fit their shapes`);
  if (settled > 0) notes.push(`roles of ${settled} matrices follow from shape and repetition alone`);
  if (open > 0) notes.push(`names of ${open} matrices say nothing; shape and repetition limit the roles they may play`);
  return notes;
}

function orderNotes({ inOut, open }: StorageOrder, matrices: readonly CanonicalTensor[]): readonly string[] {
  const notes: string[] = [];
  if (inOut.size > 0) notes.push(`${inOut.size} linears are stored as [in, out], as shapes show`);
  const both = matrices.filter(({ twin, tensor }) => twin === true && open.has(tensor)).length;
  if (both > 0) notes.push(`of ${both} square linears no shape tells how they are stored: they were read both ways`);
  return notes;
}

/** Linears of which whoever opened the model knows that they lie as [in, out]. */
function knownInOut(tensors: TensorTable): ReadonlySet<string> {
  const known = new Set<string>();
  for (const [tensor, { inOut, shape }] of tensors) if (inOut === true && shape.length === 2) known.add(tensor);
  return known;
}

function turned(parameter: Parameter): Parameter {
  const [rows, cols] = parameter.shape as [number, number];
  return { ...parameter, shape: [cols, rows] };
}

function asStored(matrix: CanonicalTensor, tensors: TensorTable): CanonicalTensor {
  const [cols, rows] = tensors.get(matrix.tensor)!.shape as [number, number];
  return turnedView(matrix, rows, cols);
}

/** Parameters in the order of their names; what is none goes to `others`. */
function parametersOf(tensors: TensorTable, others: { tensor: string; role: Role }[]): readonly Parameter[] {
  const parameters: Parameter[] = [];
  for (const tensor of [...tensors.keys()].sort(compareNames)) {
    const { dtype, shape } = tensors.get(tensor)!;
    const sidecar = sidecarOf(tensor, shape.length);
    const size = shape.reduce((product, n) => product * n, 1);
    if (sidecar !== null || !WEIGHT_DTYPES.has(dtype) || !Number.isSafeInteger(size))
      others.push({ tensor, role: "other" });
    else parameters.push({ tensor, shape, name: parseTensorName(tensor) });
  }
  return parameters;
}

/** A gain scales columns one by one: of another length it belongs to something else. */
function withFittingGain(matrix: CanonicalTensor, tensors: TensorTable): CanonicalTensor {
  if (matrix.gain === null || tensors.get(matrix.gain.tensor)?.shape[0] === matrix.cols) return matrix;
  return { ...matrix, gain: null };
}

function byPlace(a: CanonicalTensor, b: CanonicalTensor): number {
  return (
    compareText(a.component, b.component) ||
    a.layer - b.layer ||
    a.expert - b.expert ||
    compareText(a.role, b.role) ||
    Number(a.guessed === true) - Number(b.guessed === true) ||
    compareNames(a.tensor, b.tensor) ||
    a.rowOffset(0) - b.rowOffset(0) ||
    Number(a.twin === true) - Number(b.twin === true)
  );
}
