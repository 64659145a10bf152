import { normalTail } from "../numerics/normal.ts";
import type { Activation } from "./architecture.ts";

/** Beyond it, x Phi(x) is 0 or x to 1e-14. */
const GELU_REACH = 8;
/** Nodes per unit. */
const GELU_STEPS = 128;
let geluTable: Float64Array | undefined;

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

const FUNCTIONS: Readonly<Record<Activation, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu,
  "gelu-tanh": (x) => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x))),
  relu: (x) => Math.max(x, 0),
};

/** x Phi(x) by cubic Hermite interpolation of a table: within 1e-11, an exact tail for each of millions would be slow. */
function gelu(x: number): number {
  if (!(x > -GELU_REACH)) return x <= -GELU_REACH ? 0 : x;
  if (x >= GELU_REACH) return x;
  geluTable ??= buildGeluTable();
  const place = (x + GELU_REACH) * GELU_STEPS;
  const node = Math.floor(place);
  const t = place - node;
  const [y0, y1] = [geluTable[2 * node]!, geluTable[2 * node + 2]!];
  const [d0, d1] = [geluTable[2 * node + 1]! / GELU_STEPS, geluTable[2 * node + 3]! / GELU_STEPS];
  const rise = y1 - y0;
  return y0 + t * (d0 + t * (3 * rise - 2 * d0 - d1 + t * (d0 + d1 - 2 * rise)));
}

/** Value and slope at the nodes. */
function buildGeluTable(): Float64Array {
  const nodes = 2 * GELU_REACH * GELU_STEPS + 1;
  const table = new Float64Array(2 * nodes);
  for (let i = 0; i < nodes; i++) {
    const x = i / GELU_STEPS - GELU_REACH;
    const below = x > 0 ? 1 - normalTail(x) / 2 : normalTail(x) / 2;
    table[2 * i] = x * below;
    table[2 * i + 1] = below + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  }
  return table;
}

/** f(x) in place, times `factor` where there is one: the gated block of a feed-forward. */
export function activate(activation: Activation, x: Float32Array, factor: Float32Array | null): Float32Array {
  const f = FUNCTIONS[activation];
  // The activation is rounded before it multiplies, as every library with f32 tensors does.
  if (factor === null) for (let i = 0; i < x.length; i++) x[i] = f(x[i]!);
  else for (let i = 0; i < x.length; i++) x[i] = Math.fround(f(x[i]!)) * factor[i]!;
  return x;
}

/** c tanh(x / c) in place. */
export function softcap(x: Float32Array, cap: number): Float32Array {
  for (let i = 0; i < x.length; i++) x[i] = cap * Math.tanh(x[i]! / cap);
  return x;
}
