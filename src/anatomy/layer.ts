import type { TensorName } from "./name.ts";

/** A stored floating-point parameter with its parsed name. */
export interface Parameter {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly name: TensorName;
}

/** The parameters of one layer of one stack. */
export interface Layer {
  readonly stack: string;
  readonly index: number;
  readonly parameters: Parameter[];
  /** Weights by their path inside the layer; the first of several wins. */
  readonly weights: Map<string, Parameter>;
}

/** Groups parameters by stack and layer, in order of appearance; those outside layers come back in `outside`. */
export function groupLayers(
  parameters: readonly Parameter[],
  isStack: (name: TensorName) => boolean,
): { readonly layers: readonly Layer[]; readonly outside: readonly Parameter[] } {
  const layers = new Map<string, Layer>();
  const outside: Parameter[] = [];
  for (const parameter of parameters) {
    const { name } = parameter;
    if (name.layer < 0 || !isStack(name)) {
      outside.push(parameter);
      continue;
    }
    const key = `${name.layer} ${name.stack}`;
    let layer = layers.get(key);
    if (layer === undefined) {
      layer = { stack: name.stack, index: name.layer, parameters: [], weights: new Map() };
      layers.set(key, layer);
    }
    layer.parameters.push(parameter);
    if (name.suffix !== "bias" && !layer.weights.has(name.stem)) layer.weights.set(name.stem, parameter);
  }
  return { layers: [...layers.values()], outside };
}

/** Stacks whose container is an unknown word count when at least two numbers hold a matrix of the same path and shape. */
export function looseStacks(parameters: readonly Parameter[]): ReadonlySet<string> {
  const first = new Map<string, number>();
  const found = new Set<string>();
  for (const { name, shape } of parameters) {
    if (!name.loose || shape.length < 2 || name.suffix === "bias") continue;
    const key = `${shape.join("x")} ${name.pattern} ${name.stack}`;
    const seen = first.get(key);
    if (seen === undefined) first.set(key, name.layer);
    else if (seen !== name.layer) found.add(name.stack);
  }
  return found;
}
