import { describe, expect, test } from "vitest";
import type { Fingerprint, Slice } from "../../../src/fingerprint/fingerprint.ts";
import type { Retention } from "../../../src/lineage/learned-retention.ts";
import type { Pairing } from "../../../src/lineage/pairing.ts";
import { doubtOfStart, isCutOff, showsRandomStart } from "../../../src/lineage/random-start.ts";
import { FITTED, GIVEN } from "../../../src/lineage/reason.ts";
import type { SliceRetention } from "../../../src/lineage/retention.ts";
import { type Departure, departureOf, spectrumOf } from "../../../src/lineage/slice-spectrum.ts";
import { prng } from "../../../src/numerics/prng.ts";

const [HEIGHT, WIDTH] = [64, 256];

/** A slice of such values, in one block of the whole of its range per 32. */
function sliceOf(at: (i: number, j: number) => number, [height, width] = [HEIGHT, WIDTH]): Slice {
  const scale = new Float32Array((height * width) / 32);
  const values = Float64Array.from({ length: height * width }, (_, k) => at(Math.floor(k / width), k % width));
  const q = new Int8Array(values.length);
  scale.forEach((_, b) => {
    const part = values.subarray(32 * b, 32 * b + 32);
    scale[b] = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    part.forEach((x, i) => {
      q[32 * b + i] = scale[b] === 0 ? 0 : Math.round(x / scale[b]!);
    });
  });
  return { sketch: 0, firstRow: 0, height, width, q, scale, gain: null };
}

const departure = (slice: Slice): Departure | null => departureOf(spectrumOf(slice, false)!);

function noise(seed: string, shape?: [number, number]): Slice {
  const random = prng(seed);
  return sliceOf(() => random.normal(), shape);
}

/** Sum over k of s(k) u_k v_k^T, with random u and v. */
function withSpectrum(seed: string, s: (k: number) => number): Slice {
  const random = prng(seed);
  const draw = (n: number) => Array.from({ length: HEIGHT }, () => Array.from({ length: n }, () => random.normal()));
  const [u, v] = [draw(HEIGHT), draw(WIDTH)];
  return sliceOf((i, j) => u.reduce((sum, one, k) => sum + s(k) * one[i]! * v[k]![j]!, 0));
}

/** Rows of a transform: orthogonal, all of one norm. */
const transform = sliceOf((i, j) => Math.cos((Math.PI * (2 * j + 1) * (i + 1)) / (2 * WIDTH)));

describe("the body of a spectrum", () => {
  test.each([
    [64, 256],
    [64, 64],
    [64, 1024],
    [16, 256],
  ] as const)("of noise, %i x %i, lies near that of noise", (...shape) => {
    const { size, low } = departure(noise("noise", [...shape]))!;
    expect(size).toBeLessThan(0.4);
    expect(low).toBeLessThan(1.1);
  });

  test("does not tell of what is written on top of it", () => {
    const [random, plain] = [prng("spikes"), prng("plain")];
    const [u, v] = [HEIGHT, WIDTH].map((n) => Array.from({ length: 3 * n }, () => random.normal()));
    const spiked = sliceOf((i, j) => {
      return plain.normal() + [0, 1, 2].reduce((sum, k) => sum + u![k * HEIGHT + i]! * v![k * WIDTH + j]!, 0);
    });
    expect(departure(spiked)!.size).toBeLessThan(0.4);
  });

  test("falls away in a solution of least squares, is flat in a transform, and is not told of few rows", () => {
    expect(departure(withSpectrum("steep", (k) => 1 / (1 + k)))!.size).toBeGreaterThan(0.7);
    expect(departure(withSpectrum("low rank", (k) => Number(k < 20)))!.size).toBeGreaterThan(2);
    expect(departure(transform)!.low).toBeGreaterThan(1.1);
    expect(departure(noise("few", [8, 256]))).toBeNull();
  });
});

describe("a random start", () => {
  const START: Departure = { size: 0.1, low: 0.98 };
  const STEEP: Departure = { size: 0.9, low: 0.5 };
  const FLAT: Departure = { size: 0.2, low: 1.2 };
  const of = (suspect: (Departure | null)[], base: (Departure | null)[]) =>
    suspect.map((one, i) => ({ departure: { suspect: one, base: base[i] } }) as SliceRetention);

  test("shows in most slices that tell, of each side by itself", () => {
    expect(showsRandomStart(of([START, START, STEEP], [STEEP, STEEP, STEEP]))).toEqual({ suspect: true, base: false });
    expect(showsRandomStart(of([STEEP, FLAT, START], [START, null, null]))).toEqual({ suspect: false, base: true });
    expect(showsRandomStart(of([{ size: Number.NaN, low: 1 }], [null]))).toEqual({ suspect: false, base: null });
    expect(showsRandomStart([])).toEqual({ suspect: null, base: null });
  });

  const pairing = (...roles: string[]) =>
    ({ pairs: roles.map((role) => ({ suspect: { role }, base: { role: "unknown" } })) }) as unknown as Pairing;
  const NOTHING = { tensors: [] } as unknown as Fingerprint;
  const NETWORK = pairing("q", "k", "v", "o", "up", "down");
  const OTHERS = pairing("q", "k");
  const shared = (share: number, bulk: number): Retention => {
    const side = { share, error: 0.01, bulk, spread: 0, directions: 12, slices: 8 };
    return { forward: side, backward: side, outstanding: null };
  };

  test("is doubted where neither side shows one, unless names tell a network", () => {
    const steep = of([STEEP, STEEP], [STEEP, FLAT]);
    expect(doubtOfStart(NOTHING, OTHERS, OTHERS.pairs, steep, shared(0.98, 0.98))).toBe(FITTED);
    expect(doubtOfStart(NOTHING, NETWORK, NETWORK.pairs, steep, shared(0.98, 0.98))).toBeNull();
    expect(doubtOfStart(NOTHING, OTHERS, OTHERS.pairs, of([null], [null]), null)).toBeNull();
  });

  test("is not doubted of kernels beside some that look around, but of those without", () => {
    const kernels = {
      pairs: [64, 192].map((rows) => ({ suspect: {}, base: { role: "conv", rows, cols: 64 } })),
    } as unknown as Pairing;
    const stored = (shape: number[]) =>
      ({
        tensors: [
          { shape: [64, 64, 1], component: "layers" },
          { shape, component: "layers" },
        ],
      }) as unknown as Fingerprint;
    const steep = of([STEEP, STEEP], [STEEP, FLAT]);
    expect(doubtOfStart(stored([64, 64, 3]), kernels, kernels.pairs, steep, shared(0.98, 0.98))).toBeNull();
    expect(doubtOfStart(stored([64, 64, 1]), kernels, kernels.pairs, steep, shared(0.98, 0.98))).toBe(FITTED);
    // One that looks around, and is not among those that agree.
    const agreeing = kernels.pairs.slice(0, 1);
    expect(doubtOfStart(stored([64, 64, 3]), kernels, agreeing, steep, shared(0.98, 0.98))).toBe(FITTED);
  });

  test("is doubted where hardly any of it is left beside what is shared", () => {
    const both = of([START, START], [START, START]);
    expect(doubtOfStart(NOTHING, OTHERS, OTHERS.pairs, both, shared(1, 0.6))).toBe(GIVEN);
    expect(doubtOfStart(NOTHING, NETWORK, NETWORK.pairs, both, shared(1.1, 0.2))).toBeNull();
    expect(doubtOfStart(NOTHING, OTHERS, OTHERS.pairs, both, shared(0.98, 0.98))).toBeNull();
  });

  test("need not be left in a network of which nearly all of both trainings is shared", () => {
    expect(isCutOff(NETWORK, shared(1, 0))).toBe(true);
    expect(isCutOff(NETWORK, shared(0.6, 0.3))).toBe(false);
    expect(isCutOff(NETWORK, null)).toBe(false);
    // Strangers, one of whom cut the rank of what both fitted.
    const cut = of([STEEP, STEEP], [START, START]);
    expect(isCutOff(OTHERS, shared(1, 0))).toBe(false);
    expect(doubtOfStart(NOTHING, OTHERS, OTHERS.pairs, cut, shared(1, 0))).toBe(FITTED);
  });
});
