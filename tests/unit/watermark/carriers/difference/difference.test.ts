import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../../../../src/checkpoint/open-checkpoint.ts";
import { matmul } from "../../../../../src/kernels/matmul.ts";
import { kolmogorovP, normalDistance } from "../../../../../src/numerics/kolmogorov.ts";
import { prng } from "../../../../../src/numerics/prng.ts";
import { thinSvd } from "../../../../../src/numerics/svd.ts";
import { chipOfPlace, coinRows } from "../../../../../src/watermark/carriers/difference/coin-rows.ts";
import { differenceRows } from "../../../../../src/watermark/carriers/difference/difference-rows.ts";
import { type DifferencePlan, fittingPlan } from "../../../../../src/watermark/carriers/difference/fitting-plan.ts";
import { partDecoys, partReading } from "../../../../../src/watermark/carriers/difference/part-sums.ts";
import {
  type DifferenceSums,
  partKeys,
  readDifference,
} from "../../../../../src/watermark/carriers/difference/read-difference.ts";
import { writeMarkedCopy } from "../../../../../src/watermark/copy/marked-copy.ts";
import { decoyStatistics } from "../../../../../src/watermark/evidence/decoys.ts";
import { type ModelKey, modelKey } from "../../../../../src/watermark/key/model-key.ts";
import type { CarrierReading } from "../../../../../src/watermark/message/carrier-reading.ts";
import { messageSymbols } from "../../../../../src/watermark/message/message.ts";
import { parsePayload } from "../../../../../src/watermark/message/payload.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "../../../../../src/watermark/message/payload-class.ts";
import { coinOf } from "../../../../oracles/coin.ts";
import { cast } from "../../../../support/derive.ts";
import { type Model, randomModel } from "../../../../support/random-model.ts";
import { refusal } from "../../../../support/refusal.ts";
import { checkpointOf, savedCheckpoint } from "../../../../support/stored-model.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const [ZERO_BIT, WORD] = PAYLOAD_CLASSES as [PayloadClass, PayloadClass];
const STRENGTH = 0.03;
const key = modelKey(new Uint8Array(32).fill(3), "release");
const random = prng("difference test");
const SHAPE = { width: 256, hidden: 384, layers: 2, vocabulary: 320, tied: true } as const;
const base = randomModel({ init: 1 }, SHAPE);
const Q = "model.layers.1.self_attn.q_proj.weight";

type Change = (values: Float32Array, rows: number, cols: number, name: string) => Float32Array;

/** Edits the marked matrices of a model, given as base plus difference. */
function changed(from: Model, change: Change): Model {
  return new Map(
    [...from].map(([name, tensor]) => {
      const [rows, cols] = tensor.shape as [number, number];
      if (tensor.shape.length !== 2 || !name.includes("layers") || rows * cols < 65_536) return [name, tensor];
      const origin = base.get(name)!.values;
      const delta = change(
        tensor.values.map((x, i) => x - origin[i]!),
        rows,
        cols,
        name,
      );
      return [name, { ...tensor, values: origin.map((x, i) => x + delta[i]!) }];
    }),
  );
}

/** What fine-tuning leaves: forty directions of falling strength, and noise. */
const tuned = changed(base, (_, rows, cols) => {
  const delta = Float32Array.from({ length: rows * cols }, () => 1e-4 * random.normal());
  for (let k = 0; k < 40; k++) {
    const left = Float32Array.from({ length: rows }, () => random.normal());
    const right = Float32Array.from({ length: cols }, () => (2e-4 * random.normal()) / (1 + k / 8));
    for (let i = 0; i < delta.length; i++) delta[i]! += left[Math.floor(i / cols)]! * right[i % cols]!;
  }
  return delta;
});

const ones = (payloadClass: PayloadClass): Int8Array => new Int8Array(chipCount(payloadClass)).fill(1);
const message = { key, payload: null, rho: STRENGTH };

function statistic({ values, energies }: CarrierReading, signs: Int8Array): number {
  return values.reduce((sum, v, i) => sum + v * signs[i]!, 0) / Math.sqrt(energies.reduce((a, b) => a + b, 0));
}

async function read(model: Model, by: ModelKey = key, forMarking = false): Promise<DifferenceSums> {
  return readDifference(await checkpointOf(model), await checkpointOf(base), by, { forMarking });
}

async function halves(model: Model): Promise<{ full: number; subspace: number }> {
  const sums = await read(model);
  return {
    full: statistic(partReading(sums.full, ZERO_BIT), ones(ZERO_BIT)),
    subspace: statistic(partReading(sums.subspace, ZERO_BIT), ones(ZERO_BIT)),
  };
}

function edited(model: Model, plan: DifferencePlan): Model {
  return new Map(
    [...model].map(([name, tensor]) => {
      const view = plan.edits.get(name)?.views[0];
      if (view === undefined) return [name, tensor];
      const rows = differenceRows(view.address, view.cols, view.difference!, 0, view.rowOffsets.length);
      return [name, { ...tensor, values: tensor.values.map((x, i) => x + rows[i]!) }];
    }),
  );
}

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
}

const host = await read(tuned, key, true);
const plan = fittingPlan(host, message)!;
const marked = edited(tuned, plan);

describe("reading a difference", () => {
  test("a chip is the signed sum of Delta over its RMS and the root of its weights", async () => {
    const only = changed(base, (_, rows, cols, name) =>
      name === Q
        ? Float32Array.from({ length: rows * cols }, () => random.normal() / 64)
        : new Float32Array(rows * cols),
    );
    const sums = await read(only);
    expect([sums.changed, sums.weights]).toEqual([1, 65_536]);
    const delta = only.get(Q)!.values.map((x, i) => x - base.get(Q)!.values[i]!);
    const scale = rms(delta);
    const { coinKey, mapKey } = partKeys(key, "difference", 1);
    const source = coinRows(coinKey, mapKey, "language/1/q/-1", 256);
    const [coins, places] = [source.coins(0, 256), source.places(0, 256)];
    const [values, squares, counts] = [new Float64Array(171), new Float64Array(171), new Float64Array(171)];
    for (let i = 0; i < delta.length; i++) {
      const chip = chipOfPlace(places[i >> 8]!, 171);
      const value = delta[i]! / scale;
      values[chip]! += value * coinOf(coins.subarray((i >> 8) * 32), i & 255);
      squares[chip]! += value * value;
      counts[chip]! += 1;
    }
    const reading = partReading(sums.full, WORD);
    for (let i = 0; i < 171; i++) {
      expect(reading.values[i]).toBeCloseTo(counts[i] === 0 ? 0 : values[i]! / Math.sqrt(counts[i]!), 4);
      expect(reading.energies[i]).toBeCloseTo(counts[i] === 0 ? 0 : squares[i]! / counts[i]!, 4);
    }
  });

  test("the base itself has nothing to read", async () => {
    const sums = await read(base, key, true);
    expect([sums.changed, sums.unchanged]).toEqual([0, 10]);
    expect(partReading(sums.full, ZERO_BIT).energies.every((e) => e === 0)).toBe(true);
    expect(fittingPlan(sums, message)).toBeNull();
    expect(decoyStatistics(partDecoys(sums.full))).toBeNull();
  });

  test("a difference that is no number is left out", async () => {
    const broken = changed(tuned, (delta, _r, _c, name) => (name === Q ? delta.fill(Number.NaN, 7, 9) : delta));
    const sums = await read(broken);
    expect(sums.changed).toBe(9);
    expect(partReading(sums.full, ZERO_BIT).values.every(Number.isFinite)).toBe(true);
  });

  test("refuses a base of other shapes, and for marking a base that lacks a matrix", async () => {
    const other = await checkpointOf(randomModel({ init: 2 }, { ...SHAPE, width: 320 }));
    const [mine, theirs] = [await checkpointOf(tuned), await checkpointOf(base)];
    await refusal(readDifference(mine, other, key), "BASE_MISMATCH");
    const shorter = await checkpointOf(new Map([...base].filter(([name]) => !name.includes("layers.1."))));
    expect((await readDifference(mine, shorter, key)).changed).toBe(5);
    await refusal(readDifference(mine, shorter, key, { forMarking: true }), "BASE_MISMATCH");
    expect((await readDifference(shorter, theirs, key)).unchanged).toBe(5);
  });

  test("wrong keys find nothing in a marked model, in either half", async () => {
    const short: Model = new Map([...marked].filter(([name]) => name === Q));
    const z: number[] = [];
    for (let i = 0; i < 12; i++) {
      const sums = await read(short, modelKey(new Uint8Array(32).fill(4), `release ${i}`));
      for (const part of [sums.full, sums.subspace]) {
        const { values, energies } = partReading(part, WORD);
        values.forEach((value, chip) => {
          if (energies[chip]! > 0) z.push(value / Math.sqrt(energies[chip]!));
        });
      }
    }
    expect(z.length).toBeGreaterThan(2000);
    expect(kolmogorovP(normalDistance(Float64Array.from(z)), z.length)).toBeGreaterThan(1e-3);
    const decoys = decoyStatistics(partDecoys((await read(short)).full))!;
    expect(kolmogorovP(normalDistance(decoys), decoys.length)).toBeGreaterThan(1e-3);
  });
});

describe("marking a difference", () => {
  test("both halves are read as planned", async () => {
    const { full, subspace } = await halves(marked);
    expect(plan.full.statistic).toBeGreaterThan(15);
    expect(plan.subspace.statistic).toBeGreaterThan(8);
    expect(Math.abs(full / plan.full.statistic - 1)).toBeLessThan(0.05);
    expect(Math.abs(subspace / plan.subspace.statistic - 1)).toBeLessThan(0.2);
  });

  test("every matrix changes by the strength times its difference", () => {
    for (const name of plan.edits.keys()) {
      const [before, after, origin] = [tuned, marked, base].map((m) => m.get(name)!.values) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const ratio = rms(after.map((x, i) => x - before[i]!)) / rms(before.map((x, i) => x - origin[i]!));
      expect(Math.abs(ratio / STRENGTH - 1)).toBeLessThan(0.1);
    }
    expect(plan.edits.size).toBe(10);
  });

  test("bits are brought to one value per chip", async () => {
    const word = { key, payload: parsePayload("00c0ffee"), rho: 4 * STRENGTH };
    const strong = fittingPlan(host, word)!;
    const symbols = messageSymbols(word, WORD, "difference");
    expect(strong.full.strength.payloadClass).toBe(WORD);
    const sums = await read(edited(tuned, strong));
    expect(strong.full.strength.alpha).toBeGreaterThan(2);
    const { values } = partReading(sums.full, WORD);
    const mean = values.reduce((sum, v, i) => sum + v * symbols[i]!, 0) / values.length;
    expect(mean / strong.full.strength.alpha).toBeGreaterThan(0.95);
    const off = Math.sqrt(values.reduce((sum, v, i) => sum + (v * symbols[i]! - mean) ** 2, 0) / values.length);
    expect(off).toBeLessThan(0.3);
  });

  test("the low-rank half lies in the tangent space of the leading directions and takes half of the energy", async () => {
    const {
      matrix,
      spaces,
      rms: deltaRms,
    } = host.facts.find(({ matrix: { address } }) => address === "language/1/q/-1")!;
    const { rows, cols } = matrix;
    const { rank, coefficients, directions } = plan.edits.get(Q)!.views[0]!.difference!.shaped;
    const low = matmul(coefficients, directions, { rows, depth: rank, columns: cols });
    expect(rms(low) / deltaRms / STRENGTH).toBeCloseTo(Math.SQRT1_2, 1);
    const rest = outside(low, spaces!.left, rows, cols, true);
    expect(rms(outside(rest, spaces!.right, rows, cols, false)) / rms(low)).toBeLessThan(1e-4);
    expect(rms(rest) / rms(low)).toBeGreaterThan(0.3);
  });

  test("rows do not depend on how a matrix is cut", () => {
    const { address, cols, difference } = plan.edits.get(Q)!.views[0]!;
    const whole = differenceRows(address, cols, difference!, 0, 256);
    const { shaped } = difference!;
    const coefficients = shaped.coefficients.subarray(100 * shaped.rank, 130 * shaped.rank);
    const part = differenceRows(address, cols, { ...difference!, shaped: { ...shaped, coefficients } }, 100, 30);
    expect(part).toEqual(whole.slice(100 * cols, 130 * cols));
  });

  test("a bf16 copy is written with nothing else changed", async () => {
    const directory = temporaryDirectory();
    const start = cast(tuned, "BF16");
    const checkpoint = await savedCheckpoint(start, join(directory, "tuned"));
    const origin = await savedCheckpoint(cast(base, "BF16"), join(directory, "base"));
    const sums = await readDifference(checkpoint, origin, key, { forMarking: true });
    const written = fittingPlan(sums, message)!;
    await writeMarkedCopy(checkpoint, join(directory, "marked"), written.edits, { threads: 0 });
    const copy = await openCheckpoint(join(directory, "marked"));
    const found = await readDifference(copy, origin, key);
    const z = statistic(partReading(found.full, ZERO_BIT), ones(ZERO_BIT));
    expect(z / written.full.statistic).toBeGreaterThan(0.8);
    const same = async (name: string): Promise<boolean> =>
      Buffer.compare(await bytes(checkpoint, name), await bytes(copy, name)) === 0;
    expect(await same("model.embed_tokens.weight")).toBe(true);
    expect(await same("model.norm.weight")).toBe(true);
    expect(await same(Q)).toBe(false);
    for (const one of [checkpoint, origin, copy]) await one.close();
  });
});

describe("survival", () => {
  test("extraction of a LoRA leaves the subspace half alone", async () => {
    const short: Model = new Map([...marked].filter(([name]) => name.includes("self_attn")));
    const before = await halves(short);
    for (const [rank, least] of [
      [32, 0.8],
      [8, 0.25],
    ] as const) {
      const after = await halves(changed(short, (delta, rows, cols) => truncated(delta, rows, cols, rank)));
      expect(after.subspace / before.subspace).toBeGreaterThan(least);
      expect(after.full / before.full).toBeLessThan(0.6);
    }
  });

  test("dropping nine weights of ten leaves a third of the full half", async () => {
    const { full } = await halves(changed(marked, (delta) => delta.map((x) => (random.below(10) === 0 ? 10 * x : 0))));
    expect(full / plan.full.statistic).toBeGreaterThan(0.2);
    expect(full / plan.full.statistic).toBeLessThan(0.45);
  });

  test("a soup with the base changes nothing: only the direction counts", async () => {
    const { full, subspace } = await halves(changed(marked, (delta) => delta.map((x) => 0.1 * x)));
    expect(full / plan.full.statistic).toBeGreaterThan(0.95);
    expect(subspace / plan.subspace.statistic).toBeGreaterThan(0.9);
  });
});

function truncated(delta: Float32Array, rows: number, cols: number, rank: number): Float32Array {
  const wide = rows <= cols;
  const a = wide ? delta : Float32Array.from(delta, (_, i) => delta[(i % rows) * cols + Math.floor(i / rows)]!);
  const [height, width] = wide ? [rows, cols] : [cols, rows];
  const { s, u, vt } = thinSvd(a, height, width, rank);
  const out = new Float32Array(delta.length);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += s[k]! * u[i * rank + k]! * vt[k * width + j]!;
      out[wide ? i * cols + j : j * cols + i] = sum;
    }
  }
  return out;
}

/** What a matrix has outside of the space of the orthonormal rows of `basis`: its columns' space (`left`) or its rows'. */
function outside(a: Float32Array, basis: Float32Array, rows: number, cols: number, left: boolean): Float32Array {
  const out = a.slice();
  const side = left ? rows : cols;
  for (let k = 0; k < basis.length / side; k++) {
    const weight = new Float64Array(left ? cols : rows);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) weight[left ? j : i]! += basis[k * side + (left ? i : j)]! * a[i * cols + j]!;
    }
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) out[i * cols + j]! -= basis[k * side + (left ? i : j)]! * weight[left ? j : i]!;
    }
  }
  return out;
}

async function bytes(checkpoint: Checkpoint, name: string): Promise<Uint8Array> {
  const { file, begin, end } = checkpoint.tensors.get(name)!;
  return checkpoint.files[file]!.source.read(begin, end);
}
