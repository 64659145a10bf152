import type { Role } from "../../src/anatomy/anatomy.ts";
import { FINGERPRINT_VERSION, type Fingerprint, type MatrixSketch } from "../../src/fingerprint/fingerprint.ts";
import { sampledRows } from "../../src/fingerprint/sampling.ts";

/** 32 random bits at a time: mulberry32. */
export function randomWords(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export interface RandomFingerprint {
  readonly seed: number;
  readonly layers?: number;
  readonly cols?: number;
  readonly roles?: readonly Role[];
  /** Take the layers of this fingerprint and flip each sign bit with probability `noise`. */
  readonly from?: Fingerprint;
  readonly noise?: number;
}

/** A well-formed fingerprint of a model that never was: random sign bits, no slices. */
export function randomFingerprint(options: RandomFingerprint): Fingerprint {
  const { seed, layers = 3, cols = 64, roles = ["q", "up", "down"], from, noise = 0 } = options;
  const next = randomWords(seed);
  const hex = (bytes: number) =>
    Array.from({ length: bytes }, () => (next() & 255).toString(16).padStart(2, "0")).join("");
  const sketches: MatrixSketch[] = [];
  for (let layer = 0; layer < layers; layer++) {
    for (const role of roles) {
      const axis = role === "down" ? ("neurons" as const) : ("residual" as const);
      const place = {
        component: "model.layers",
        layer,
        expert: -1,
        role,
        axis,
        block: cols,
        given: false,
        twin: false,
        rows: 64,
        cols,
      };
      const sampled = sampledRows({ ...place, tokens: false });
      const parent = from?.sketches[sketches.length];
      const bits = new Uint32Array(sampled.length * Math.ceil(cols / 32));
      for (let i = 0; i < bits.length; i++)
        bits[i] = parent === undefined ? next() : parent.bits[i]! ^ flips(next, noise);
      const digest = { f32: hex(16), f16: hex(16), bf16: hex(16) };
      const moments = {
        rms: 1,
        kurtosis: 3,
        zeroFraction: 0,
        grid: null,
        rowNormSpread: 0,
        columnOrder: 0,
        distinct: 1,
        quantiles: new Float32Array(17),
      };
      sketches.push({ ...place, tokens: false, sampled, valid: sampled.map(() => true), bits, digest, moments });
    }
  }
  return {
    version: FINGERPRINT_VERSION,
    depth: "sampled",
    family: "llama",
    confidence: 1,
    parameters: layers * roles.length * 64 * cols,
    dtypes: { F32: sketches.length },
    roots: { content: null, sampled: hex(32), stored: hex(32) },
    coverage: {
      sketched: sketches.length,
      worth: sketches.length,
      matrices: sketches.length,
      digested: sketches.length,
      tensors: sketches.length,
    },
    adapter: null,
    bytesRead: 1000,
    bytesTotal: 4000,
    tensors: sketches.map((sketch, i) => ({
      name: `tensor.${String(i).padStart(4, "0")}`,
      dtype: "F32",
      shape: [sketch.rows, sketch.cols],
      content: null,
      moments: null,
      values: sketch.digest,
      component: sketch.component,
      uniform: false,
    })),
    sketches,
    slices: [],
    notes: [],
  };
}

function flips(next: () => number, noise: number): number {
  let word = 0;
  if (noise > 0) for (let bit = 0; bit < 32; bit++) if (next() / 2 ** 32 < noise) word |= 1 << bit;
  return word;
}
