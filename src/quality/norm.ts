import type { Architecture, Norm } from "./architecture.ts";
import type { WeightReader } from "./weight-reader.ts";

type Kind = Architecture["norm"];

/**
 * Normalises every group of `norm.size` elements of x, whole rows or heads: x / rms(x) * g (Zhang and Sennrich 2019), or
 * (x - mean) / std * g + b. Sums in f64.
 */
export async function applyNorm(
  weights: WeightReader,
  kind: Kind,
  { weight, bias, size }: Norm,
  x: Float32Array,
): Promise<Float32Array> {
  const stored = await weights.vector(weight, size);
  const gain = kind.plusOne ? stored.map((g) => 1 + g) : stored;
  const shift = bias === null ? null : await weights.vector(bias, size);
  return kind.kind === "rms" ? rmsNorm(x, gain, kind.epsilon) : layerNorm(x, gain, shift, kind.epsilon);
}

function rmsNorm(x: Float32Array, gain: Float32Array, epsilon: number): Float32Array {
  const size = gain.length;
  const out = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += size) {
    let squares = 0;
    for (let i = at; i < at + size; i++) squares += x[i]! * x[i]!;
    const scale = 1 / Math.sqrt(squares / size + epsilon);
    for (let i = 0; i < size; i++) out[at + i] = x[at + i]! * scale * gain[i]!;
  }
  return out;
}

function layerNorm(x: Float32Array, gain: Float32Array, shift: Float32Array | null, epsilon: number): Float32Array {
  const size = gain.length;
  const out = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += size) {
    let sum = 0;
    for (let i = at; i < at + size; i++) sum += x[i]!;
    const mean = sum / size;
    let squares = 0;
    for (let i = at; i < at + size; i++) squares += (x[i]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / size + epsilon);
    for (let i = 0; i < size; i++) out[at + i] = (x[at + i]! - mean) * scale * gain[i]! + (shift?.[i] ?? 0);
  }
  return out;
}
