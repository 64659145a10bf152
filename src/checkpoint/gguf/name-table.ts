import type { Undo } from "./undo.ts";

/**
 * Names of GGUF to those of Hugging Face: `#` is the number of the layer, `@` that of the expert, which stacked tensors are cut
 * into. What stands behind the last dot ("weight", "bias") is added, but to names that end in "!".
 */
export type NameTable = Readonly<Record<string, string>>;

/** Tells whether the file has any tensor of a name of GGUF, numbers as `#`. */
export type Has = (pattern: string) => boolean;

/** What is known of how llama.cpp stores an architecture. */
export interface Architecture {
  readonly names: NameTable | ((has: Has) => NameTable);
  /** What was done to tensors, by their names in GGUF, and is undone. */
  readonly undo?: Readonly<Record<string, Undo>>;
  /** Tensors that Hugging Face keeps as one. */
  readonly joins?: readonly Join[];
  /** What is not undone, for people. */
  readonly notes?: readonly string[];
}

/** Several tensors of a layer that were cut out of one. */
export interface Join {
  /** Names in GGUF. */
  readonly from: readonly string[];
  readonly to: string;
  /** How their rows lie in the whole: q, then k, then v; by groups of heads; or by heads, the first one transposed. */
  readonly rows: "contiguous" | "grouped" | "latent";
}

/** A name of GGUF taken apart. */
export interface GgufName {
  /** Without what stands behind the last dot, numbers as `#` and `@`. */
  readonly pattern: string;
  /** "weight", "bias", or "". */
  readonly suffix: string;
  readonly layer: number | null;
  readonly expert: number | null;
}

const NUMBER = /^(?:0|[1-9]\d{0,5})$/;

export function ggufName(name: string): GgufName {
  const path = name.split(".");
  const numbers: number[] = [];
  const segments = path.map((segment) => {
    if (numbers.length === 2 || !NUMBER.test(segment)) return segment;
    numbers.push(Number(segment));
    return numbers.length === 1 ? "#" : "@";
  });
  const hasSuffix = /^(?:weight|bias)$/.test(segments.at(-1)!);
  return {
    pattern: (hasSuffix ? segments.slice(0, -1) : segments).join("."),
    suffix: hasSuffix ? segments.at(-1)! : "",
    layer: numbers[0] ?? null,
    expert: numbers[1] ?? null,
  };
}

/** Fills a name of Hugging Face in. */
export function filled(template: string, { layer, expert, suffix }: Omit<GgufName, "pattern">): string {
  const name = template.replace("#", `${layer}`).replace("@", `${expert}`);
  if (name.endsWith("!")) return name.slice(0, -1);
  return suffix === "" ? name : `${name}.${suffix}`;
}
