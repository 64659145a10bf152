import type { Layer, Parameter } from "./layer.ts";
import { layerUse, type Use } from "./layer-table.ts";
import { isConv1dName } from "./linear-layout.ts";
import type { TensorName } from "./name.ts";
import { useFromWords } from "./words.ts";

/** Which network of its layer a linear is part of. */
interface Part {
  readonly network: "attention" | "cross" | "feed-forward" | "router";
  /** Which axis has the width of the residual stream. */
  readonly side: "reads" | "writes";
  /** How much of what the last linear of the network reads the first one writes: "more" where it is fused with others. */
  readonly fills: "all" | "more" | "some";
}

/** A linear of which its name, or a bias, says which axis is which. */
export interface Linear {
  readonly tensor: string;
  /** Null where the name does not say. */
  readonly part: Part | null;
  /** Whether words that no table lists say so. */
  readonly guessed: boolean;
  readonly expert: number;
  readonly rows: number;
  readonly cols: number;
  /** Length of its bias, which is what it writes; null without one. */
  readonly bias: number | null;
  /** Whether other rules tell how it lies: it may show how its neighbours do, and stays as it is. */
  readonly settled: boolean;
}

const READS = { side: "reads", fills: "all" } as const;
const WRITES = { side: "writes", fills: "all" } as const;
const KEYS = { side: "reads", fills: "some" } as const;
const FUSED = { side: "reads", fills: "more" } as const;

const PARTS: ReadonlyMap<Use, Part> = new Map<Use, Part>([
  ["q", { network: "attention", ...READS }],
  ["k", { network: "attention", ...KEYS }],
  ["v", { network: "attention", ...KEYS }],
  ["qkv", { network: "attention", ...FUSED }],
  ["contiguous", { network: "attention", ...FUSED }],
  ["per-head", { network: "attention", ...FUSED }],
  ["query_key_value", { network: "attention", ...FUSED }],
  ["o", { network: "attention", ...WRITES }],
  // What keys and values of a cross-attention read is another stack's, of any width.
  ["cross_q", { network: "cross", ...READS }],
  ["cross_o", { network: "cross", ...WRITES }],
  ["gate", { network: "feed-forward", ...READS }],
  ["up", { network: "feed-forward", ...READS }],
  ["up or gate_up", { network: "feed-forward", ...READS }],
  ["down", { network: "feed-forward", ...WRITES }],
  ["router", { network: "router", ...READS }],
  ["gate or router", { network: "router", ...READS }],
]);

/** The linears of a layer that say something of how they lie. Words are asked where the tables know no name of a network. */
export function linearsOf(layer: Layer): readonly Linear[] {
  const biases = biasesOf(layer.parameters);
  const weights = [...layer.weights.values()].filter(({ shape }) => shape.length === 2);
  const known = new Set(weights.map(({ name }) => partOf(layerUse(name.pattern))?.network));
  const linears: Linear[] = [];
  for (const parameter of weights) {
    const { tensor, shape, name } = parameter;
    const [rows, cols] = shape as [number, number];
    if (!isLinear(parameter) || rows < 2 || cols < 2) continue;
    const use = layerUse(name.pattern);
    const guess = use === undefined ? partOf(useFromWords(name, layer)) : null;
    const guessed = guess !== null && !known.has(guess.network);
    const part = guessed ? guess : partOf(use);
    const bias = biases.get(pathOf(name)) ?? null;
    const settled = isConv1dName(name.stem);
    // GPT-2 itself keeps these as [in, out], which says nothing of linears beside its layers.
    if ((part === null && bias === null) || (settled && layer.weights.has("attn.c_attn"))) continue;
    linears.push({ tensor, part, guessed, expert: name.expert, rows, cols, bias, settled });
  }
  return linears;
}

function partOf(use: Use | undefined): Part | null {
  return use === undefined ? null : (PARTS.get(use) ?? null);
}

/** Lengths of biases by the path of what they belong to. */
export function biasesOf(parameters: readonly Parameter[]): ReadonlyMap<string, number> {
  const biases = new Map<string, number>();
  for (const { name, shape } of parameters) {
    if (name.suffix === "bias" && shape.length === 1) biases.set(pathOf(name), shape[0] as number);
  }
  return biases;
}

/** Path of a parameter without its own name, by which a weight and its bias are one. */
export function pathOf({ stack, layer, stem }: TensorName): string {
  return `${layer} ${stem} ${stack}`;
}

/** A weight of two axes. */
export function isLinear({ shape, name }: Parameter): boolean {
  return shape.length === 2 && name.suffix === "weight";
}
