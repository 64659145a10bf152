import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { layerCodes } from "../../../src/fingerprint/layer-codes.ts";
import { tokenRows } from "../../../src/fingerprint/sampling.ts";
import { buildCodeIndex } from "../../../src/registry/code-index.ts";
import { bestBases, scoreBases } from "../../../src/registry/code-search.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { itemCount, packCodes } from "../../../src/registry/packed-codes.ts";
import { randomFingerprint, randomWords } from "../../support/random-fingerprint.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { turnedAtRandom } from "../../support/turned-rows.ts";

const directory = scratchDirectory();
/** Share of signs that differ at a correlation of .7. */
const NOISE = Math.acos(0.7) / Math.PI;

function scoresOf(bases: readonly Fingerprint[], suspect: Fingerprint): Float64Array {
  return scoreBases(buildCodeIndex(bases.map((base) => packCodes(layerCodes(base)))), packCodes(layerCodes(suspect)));
}

/** A model that is nothing but an embedding. */
function embeddingOnly(seed: number, vocabulary: number): Fingerprint {
  const fingerprint = randomFingerprint({ seed, layers: 1, roles: ["embed"] });
  const sampled = tokenRows(vocabulary);
  const next = randomWords(seed);
  const bits = Uint32Array.from({ length: 2 * sampled.length }, next);
  const table: MatrixSketch = { ...fingerprint.sketches[0]!, tokens: true, rows: vocabulary, sampled, bits };
  return { ...fingerprint, sketches: [{ ...table, valid: sampled.map(() => true) }] };
}

/** A model that is nothing but norms. */
function vectorsOnly(seed: number): Fingerprint {
  const fingerprint = randomFingerprint({ seed, layers: 1 });
  const { digest } = fingerprint.sketches[0]!;
  const tensors = fingerprint.tensors.map((tensor) => ({ ...tensor, shape: [64], values: digest }));
  return { ...fingerprint, tensors, sketches: [] };
}

async function registryOf(name: string, models: readonly Fingerprint[]) {
  const registry = await openRegistry(join(directory, name), { create: true });
  for (const [i, model] of models.entries()) await registry.add(model, { name: `m${i}` });
  return registry;
}

it("keeps the codes of every role, convolutions too", () => {
  for (const role of ["q", "conv", "patch", "unknown"] as const) {
    const codes = layerCodes(randomFingerprint({ seed: 1, layers: 2, roles: [role] }));
    expect(codes.map((code) => code.role)).toContain(role);
    expect(itemCount(packCodes(codes))).toBe(codes.length);
  }
});

describe("a copy with turned rows and noise", () => {
  it.each([
    ["of three layers", 3, ["q", "up", "down"]],
    ["of one matrix", 1, ["q"]],
  ] as const)("%s ranks its base first among 1,000", (_, layers, roles) => {
    const bases = Array.from({ length: 1000 }, (__, i) => randomFingerprint({ seed: i + 1, layers, roles, cols: 128 }));
    for (const from of [bases[0]!, bases[617]!, bases[999]!]) {
      const noisy = randomFingerprint({ seed: 5000, layers, roles, cols: 128, from, noise: NOISE });
      const scores = scoresOf(bases, turnedAtRandom(noisy, randomWords(9)));
      expect(bases[bestBases(scores, 1)[0]!.base]).toBe(from);
      expect(scores[bases.indexOf(from)]).toBeGreaterThan(6);
    }
  });

  it("is told from strangers down to the least correlation of a verdict", () => {
    const shape = { layers: 32, roles: ["q", "k", "v", "up"], cols: 128 } as const;
    const base = randomFingerprint({ seed: 1, ...shape });
    const noisy = randomFingerprint({ seed: 2, ...shape, from: base, noise: Math.acos(0.3) / Math.PI });
    expect(scoresOf([base], turnedAtRandom(noisy, randomWords(3)))[0]).toBeGreaterThan(8);
    expect(Math.abs(scoresOf([base], randomFingerprint({ seed: 4, ...shape }))[0]!)).toBeLessThan(4);
  });

  it("scores as much as one without", () => {
    const base = randomFingerprint({ seed: 1, cols: 128 });
    const noisy = randomFingerprint({ seed: 2, cols: 128, from: base, noise: NOISE });
    const turned = turnedAtRandom(noisy, randomWords(3));
    expect(scoresOf([base], turned)).toEqual(scoresOf([base], noisy));
  });
});

describe("models without layers", () => {
  it("that are an embedding find the one they come from, whatever was appended to its vocabulary", async () => {
    const bases = Array.from({ length: 30 }, (_, i) => embeddingOnly(i + 1, 1000));
    const registry = await registryOf("embeddings", [...bases, randomFingerprint({ seed: 99, cols: 96 })]);
    const grown = turnedAtRandom(embeddingOnly(8, 1200), randomWords(4));
    const found = await registry.candidates(layerCodes(grown), 40);
    expect(found).toHaveLength(30);
    expect(found[0]).toMatchObject({ name: "m7" });
    expect(found[0]!.score).toBeGreaterThan(15);
    expect(found[1]!.score).toBeLessThan(5);
  });

  it("and without matrices find what has their content, and nothing else", async () => {
    const bases = Array.from({ length: 30 }, (_, i) => vectorsOnly(i + 1));
    const registry = await registryOf("vectors", [...bases, randomFingerprint({ seed: 99 })]);
    const found = await registry.candidates(layerCodes(bases[11]!), 40);
    expect(found).toMatchObject([{ name: "m11" }]);
    expect(found[0]!.score).toBeGreaterThan(20);
    expect(await registry.candidates(layerCodes(vectorsOnly(777)), 40)).toEqual([]);
  });
});

describe("the code of the content", () => {
  const base = randomFingerprint({ seed: 1, layers: 1, roles: ["q"] });
  const tuned = randomFingerprint({ seed: 2, layers: 1, roles: ["q"], from: base, noise: 0.2 });

  it("does not lower the score of one matrix that changed", () => {
    const layers = (fp: Fingerprint) => packCodes(layerCodes(fp).filter(({ cols }) => cols > 0));
    expect(scoresOf([base], tuned)).toEqual(scoreBases(buildCodeIndex([layers(base)]), layers(tuned)));
  });

  it("puts equal content before everything else", () => {
    const scores = scoresOf([tuned, base], base);
    expect(scores[1]).toBeGreaterThan(scores[0]! + 10);
  });
});
