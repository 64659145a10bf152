import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import type { Windows } from "../../src/quality/forward.ts";
import type { Model, ModelTensor } from "./random-model.ts";
import { checkpointOf } from "./stored-model.ts";

/** A model of the reference library: what it computes for two sequences. tests/interop/forward.py writes them. */
export interface ForwardFixture {
  readonly config: Readonly<Record<string, unknown>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly tokens: Windows;
  /** [tokens x vocabulary], six digits. */
  readonly logits: readonly number[];
}

const DIRECTORY = join(import.meta.dirname, "../fixtures/forward");

export const FORWARD_CASES: readonly string[] = readdirSync(DIRECTORY)
  .map((file) => file.replace(".json", ""))
  .sort();

export function forwardFixture(name: string): ForwardFixture {
  return JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), "utf8")) as ForwardFixture;
}

/** The fixture's weights: a hash of name and index, as forward.py makes them. */
export function hashedModel({ config, shapes }: Pick<ForwardFixture, "config" | "shapes">): Map<string, ModelTensor> {
  const plusOne = String(config.model_type).startsWith("gemma");
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const centre = shape.length === 1 && name.endsWith("weight") && !plusOne ? 1 : 0;
      return [name, { shape, values: hashed(name, shape, centre), dtype: "F32" as const }];
    }),
  );
}

export async function hashedCheckpoint(name: string, change: (model: Map<string, ModelTensor>) => void = () => {}) {
  const fixture = forwardFixture(name);
  const model = hashedModel(fixture);
  change(model);
  return withConfig(model, fixture.config);
}

export function withConfig(model: Model, config: Checkpoint["config"]): Promise<Checkpoint> {
  return checkpointOf(model, { config });
}

function hashed(name: string, shape: readonly number[], centre: number): Float32Array {
  let seed = 2166136261;
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 16777619);
  const scale = shape.length > 1 ? 4.5 / Math.sqrt(shape.at(-1)!) : 1;
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, (_, i) => centre + Math.fround(scale * uniform(seed, i)));
}

/** The finaliser of MurmurHash3, to [-1/2, 1/2). */
function uniform(seed: number, index: number): number {
  let x = (Math.imul(index, 0x9e3779b9) + seed) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  x ^= x >>> 16;
  return (x >>> 8) / 2 ** 24 - 0.5;
}
