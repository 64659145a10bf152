import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { fitHead, mixRows } from "../../src/alignment/head-mix.ts";
import { matchNeurons } from "../../src/alignment/neurons.ts";
import { NEURON_WORDS } from "../../src/alignment/reference.ts";
import { WeightmarkError } from "../../src/errors.ts";
import { prng } from "../../src/numerics/prng.ts";
import { parseSketch, serializeSketch } from "../../src/watermark/resync/sketch-file.ts";
import { align, likeness, llama, SHAPE, sketchOf } from "../support/alignment.ts";
import { type Disguise, obfuscate } from "../support/obfuscate.ts";

const model = llama(1, { layers: 1 });
const sketch = sketchOf(model);

const disguises: fc.Arbitrary<Disguise> = fc.record(
  {
    neuronOrder: fc.boolean(),
    neuronSigns: fc.boolean(),
    neuronScales: fc.boolean(),
    dummyNeurons: fc.nat(20),
    splitNeurons: fc.nat(20),
    headOrder: fc.boolean(),
    values: fc.constantFrom("signs", "dense"),
    keys: fc.constantFrom("signs", "planes"),
    interleavedKeys: fc.boolean(),
    residual: fc.constantFrom("permutation", "signed-permutation", "rotation"),
    foldNorms: fc.boolean(),
  },
  { requiredKeys: [] },
);

describe("re-synchronisation", () => {
  // Of the order in the example two neurons stand where others like them stood.
  const examples: [Disguise, number][] = [[{ neuronOrder: true }, 907]];
  test.prop([disguises, fc.nat(1000)], { numRuns: 12, examples })("undoes any composition", async (disguise, seed) => {
    const { host } = await align(obfuscate(model, SHAPE, disguise, seed), await sketch);
    expect(await likeness(model, host)).toBeGreaterThan(0.995);
  });

  test.prop([fc.nat(), fc.nat(255)], { numRuns: 200 })(
    "a damaged sketch is refused or read, never worse",
    async (at, value) => {
      const bytes = serializeSketch(await sketch);
      bytes[at % bytes.length] = value;
      const parsed = await parseSketch(bytes, "memory").catch((error: unknown) => error);
      if (parsed instanceof Error) expect(parsed).toBeInstanceOf(WeightmarkError);
      else expect(parsed).toHaveProperty("components");
    },
  );
});

describe("neurons", () => {
  const neurons = (count: number, seed: number | string) => {
    const random = prng(seed);
    return {
      neurons: count,
      gated: true,
      bits: Uint32Array.from({ length: count * NEURON_WORDS }, () => random.uint32()),
    };
  };

  test.prop([fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), fc.nat()], { numRuns: 30 })(
    "of strangers are not found",
    (a, b, seed) => {
      expect(matchNeurons(neurons(a, `a ${seed}`), neurons(b, `b ${seed}`)).found).toBe(0);
    },
  );

  test.prop([fc.integer({ min: 2, max: 200 }), fc.nat(), fc.double({ min: 0, max: 0.15, noNaN: true })], {
    numRuns: 30,
  })("are found in any order with any signs through noise", (count, seed, noise) => {
    const random = prng(`order ${seed}`);
    const reference = neurons(count, seed);
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    random.shuffle(order);
    const bits = new Uint32Array(reference.bits.length);
    const signs = Int8Array.from(order, () => (random.below(2) === 0 ? 1 : -1));
    order.forEach((from, to) => {
      for (let w = 0; w < NEURON_WORDS; w++) {
        let word = reference.bits[from * NEURON_WORDS + w]!;
        if (w >= NEURON_WORDS / 2 && signs[to] === -1) word = ~word;
        for (let bit = 0; bit < 32; bit++) if (random.float() < noise) word ^= 1 << bit;
        bits[to * NEURON_WORDS + w] = word;
      }
    });
    const found = matchNeurons(reference, { ...reference, bits });
    order.forEach((from, to) => {
      expect(found.from[from]).toBe(to);
      expect(found.signs[from]).toBe(signs[to]);
    });
    expect(found.agreement).toBeGreaterThan(1 - noise - 0.1);
  });
});

describe("heads", () => {
  const rows = (size: number, cols: number, seed: number) => {
    const random = prng(seed);
    return Float32Array.from({ length: size * cols }, () => random.normal());
  };

  test.prop([fc.constantFrom(4, 8, 16), fc.nat(), fc.boolean()], { numRuns: 20 })(
    "a mixture is undone, and its dual undoes what meets it",
    (size, seed, rotary) => {
      const cols = 4 * size;
      const reference = rows(size, cols, seed);
      const mix = rotary
        ? planes(size, seed)
        : // Far enough from the identity that signs do not explain it, near enough to be inverted.
          rows(size, size, seed + 1).map((x, i) => x / (2 * Math.sqrt(size)) + Number(i % (size + 1) === 0));
      const undoing = inverseTranspose(mix, size);
      // A draw in hundreds all but loses a direction, and the ridge of the fit then shows in what is left.
      fc.pre(norm(undoing) < 10);
      const suspect = times(mix, reference, size);
      const keys = rotary ? ({ rotaryRows: size, pairing: "half" } as const) : null;
      const fit = fitHead(reference, suspect, size, keys);
      expect(fit.residual).toBeLessThan(1e-4);
      // Products of what is stored with what meets it: (M k) . (M^-T q) = k . q for every row up to positive factors.
      const back = mixRows(fit.mix, "rows", suspect, size);
      for (let i = 0; i < size; i++) expect(cosineOfRow(back, reference, i, cols)).toBeGreaterThan(0.9999);
      const met = rows(size, cols, seed + 2);
      const seen = mixRows(fit.mix, "dual", times(undoing, met, size), size);
      for (let i = 0; i < size; i++) expect(cosineOfRow(seen, met, i, cols)).toBeGreaterThan(0.999);
    },
  );
});

/** Rows i and i + size / 2 turned and stretched together, so far from any axis that signs alone explain no head. */
function planes(size: number, seed: number): Float32Array {
  const random = prng(seed);
  const half = size / 2;
  const out = new Float32Array(size * size);
  for (let i = 0; i < half; i++) {
    const angle = (Math.PI / 2) * random.below(4) + 0.3 + 0.97 * random.float();
    const stretch = 0.5 + random.float();
    const [c, s] = [stretch * Math.cos(angle), stretch * Math.sin(angle)];
    const j = i + half;
    out[i * size + i] = out[j * size + j] = c;
    out[i * size + j] = -s;
    out[j * size + i] = s;
  }
  return out;
}

function times(matrix: Float32Array, rows: Float32Array, size: number): Float32Array {
  const cols = rows.length / size;
  return new Float32Array(rows.length).map((_, at) => {
    const [i, j] = [Math.floor(at / cols), at % cols];
    let sum = 0;
    for (let k = 0; k < size; k++) sum += matrix[i * size + k]! * rows[k * cols + j]!;
    return sum;
  });
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** Gauss and Jordan with the largest pivot. */
function inverseTranspose(matrix: Float32Array, n: number): Float32Array {
  const a = Float64Array.from(matrix);
  const inverse = Float64Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0));
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k; i < n; i++) if (Math.abs(a[i * n + k]!) > Math.abs(a[pivot * n + k]!)) pivot = i;
    for (const m of [a, inverse]) {
      for (let j = 0; j < n; j++) [m[k * n + j], m[pivot * n + j]] = [m[pivot * n + j]!, m[k * n + j]!];
    }
    const value = a[k * n + k]!;
    for (const m of [a, inverse]) for (let j = 0; j < n; j++) m[k * n + j]! /= value;
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + k]!;
      if (i === k) continue;
      for (const m of [a, inverse]) for (let j = 0; j < n; j++) m[i * n + j]! -= factor * m[k * n + j]!;
    }
  }
  return Float32Array.from(inverse, (_, at) => inverse[(at % n) * n + Math.floor(at / n)]!);
}

function cosineOfRow(a: Float32Array, b: Float32Array, row: number, cols: number): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let j = row * cols; j < (row + 1) * cols; j++) {
    ab += a[j]! * b[j]!;
    aa += a[j]! ** 2;
    bb += b[j]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}
