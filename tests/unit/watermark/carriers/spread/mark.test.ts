import { describe, expect, test } from "vitest";
import { DTYPE_BITS } from "../../../../../src/formats/tensor-info.ts";
import { coinBytesOf, type DirectDtype } from "../../../../../src/kernels/coins.ts";
import { decodeToF32 } from "../../../../../src/kernels/decode.ts";
import { addressOf } from "../../../../../src/rows/addressed-matrix.ts";
import { editsWith } from "../../../../../src/watermark/carriers/spread/amplitudes.ts";
import { spreadMatrices } from "../../../../../src/watermark/carriers/spread/matrices.ts";
import { planSpread } from "../../../../../src/watermark/carriers/spread/plan.ts";
import { readSpread } from "../../../../../src/watermark/carriers/spread/read.ts";
import { spreadResidual, TOLERANCE } from "../../../../../src/watermark/carriers/spread/residual.ts";
import { type SpreadUnits, spreadReading } from "../../../../../src/watermark/carriers/spread/spread-units.ts";
import { keystream } from "../../../../../src/watermark/key/keystream.ts";
import { chipCount, PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import { coinOf } from "../../../../oracles/coin.ts";
import {
  checkpointOfModel,
  fileOfCheckpoint,
  type GaussianShape,
  gaussianLlama,
  marked,
  testKey,
} from "../../../../support/spread-model.ts";

const ZERO_BIT = PAYLOAD_CLASSES[0]!;
const KEY = testKey(1);
const DTYPES: DirectDtype[] = ["BF16", "F16", "F32"];
const SYMBOLS = Int8Array.from({ length: chipCount(ZERO_BIT) }, (_, i) => (i % 3 === 0 ? -1 : 1));

async function host(dtype: DirectDtype, shape: GaussianShape = {}) {
  const checkpoint = await checkpointOfModel(gaussianLlama(1, { ...shape, dtype }));
  return { checkpoint, units: await readSpread(checkpoint, KEY, { marking: true, threads: 0 }) };
}

/** Change of every weight of all marked matrices in units of the Sinkhorn form, times its coin and sign of amplitude. */
async function changes(
  before: Awaited<ReturnType<typeof checkpointOfModel>>,
  after: typeof before,
  units: SpreadUnits,
): Promise<Float64Array> {
  const [was, is] = [await fileOfCheckpoint(before), await fileOfCheckpoint(after)];
  const all: number[] = [];
  for (const matrix of spreadMatrices(before)) {
    const { begin, end, dtype } = before.tensors.get(matrix.tensor)!;
    const [x, y] = [decodeToF32(was.slice(begin, end), dtype), decodeToF32(is.slice(begin, end), dtype)];
    const { scales } = units.matrices.get(addressOf(matrix))!;
    const coins = new Uint8Array(coinBytesOf(matrix.cols));
    const stream = keystream(KEY.subkey("spread/coins"), addressOf(matrix));
    for (let i = 0; i < matrix.rows; i++) {
      stream.fill(coins, i * coins.length);
      const row = x.subarray(i * matrix.cols, (i + 1) * matrix.cols);
      const rms = Math.sqrt(row.reduce((sum, w, j) => sum + (w / scales[j]!) ** 2, 0) / matrix.cols);
      for (const [j, w] of row.entries()) {
        all.push((coinOf(coins, j) * (y[i * matrix.cols + j]! - w)) / scales[j]! / rms);
      }
    }
  }
  return Float64Array.from(all);
}

describe("marking", () => {
  test.each(DTYPES)("brings every chip of a %s model to its target within the tolerance", async (dtype) => {
    const { checkpoint, units } = await host(dtype);
    const plan = planSpread(units, SYMBOLS, ZERO_BIT, KEY, 0.02)!;
    expect(plan.alpha).toBeGreaterThan(1.5);
    const copy = await marked(checkpoint, plan.edits);
    const residual = spreadResidual(units, plan, copy.achieved, KEY, 1);
    const before = spreadReading(units, ZERO_BIT).values;
    let along = 0;
    let planned = 0;
    residual.values.forEach((value, i) => {
      along += (value - before[i]!) * (plan.targets[i]! - before[i]!);
      planned += (plan.targets[i]! - before[i]!) ** 2;
    });
    // Ten times the default strength: weights near zero would change sign, so they stay.
    expect(Math.abs(along / planned - 1)).toBeLessThan(0.02);
    const again = residual.edits === null ? copy : await marked(copy.checkpoint, residual.edits);
    expect(spreadResidual(units, plan, again.achieved, KEY, 2).worst).toBeLessThanOrEqual(TOLERANCE);
    // The detector takes column scales from the marked weights.
    const seen = spreadReading(await readSpread(again.checkpoint, KEY, { threads: 0 }), ZERO_BIT).values;
    seen.forEach((value, i) => {
      expect(Math.abs(value - plan.targets[i]!)).toBeLessThan(2 * TOLERANCE);
    });
  });

  test.each([
    ["BF16", 0.0035],
    ["F16", 0.0023],
    ["F32", 0.00201],
  ] as const)(
    "leaves a %s model with a change of RMS below %f at the default strength, gain 1",
    async (dtype, most) => {
      const { checkpoint, units } = await host(dtype);
      const amplitudes = new Float64Array(chipCount(ZERO_BIT)).fill(0.002);
      const copy = await marked(checkpoint, editsWith(units, amplitudes, KEY, 1));
      const moves = await changes(checkpoint, copy.checkpoint, units);
      const mean = moves.reduce((a, b) => a + b, 0) / moves.length;
      const rms = Math.sqrt(moves.reduce((sum, x) => sum + x * x, 0) / moves.length);
      expect(rms).toBeLessThan(most);
      expect(rms).toBeGreaterThan(0.00199);
      expect(Math.abs(mean / 0.002 - 1)).toBeLessThan(0.01);
    },
  );

  test.each(DTYPES)("predicts the RMS of the change of a %s model", async (dtype) => {
    const { checkpoint, units } = await host(dtype);
    const plan = planSpread(units, SYMBOLS, ZERO_BIT, KEY, 0.02)!;
    const copy = await marked(checkpoint, plan.edits);
    const moves = await changes(checkpoint, copy.checkpoint, units);
    const rms = Math.sqrt(moves.reduce((sum, x) => sum + x * x, 0) / moves.length);
    expect(plan.rms.planned).toBeCloseTo(0.02, 10);
    expect(Math.abs(rms / plan.rms.predicted - 1)).toBeLessThan(0.03);
  });

  test("spends exactly the budget, and says when it does not suffice", async () => {
    const { units } = await host("BF16");
    for (const rho of [0.017, 0.02, 0.05]) {
      const plan = planSpread(units, SYMBOLS, ZERO_BIT, KEY, rho)!;
      const before = spreadReading(units, ZERO_BIT).values;
      const energy = before.reduce((sum, x, i) => sum + (plan.targets[i]! - x) ** 2, 0);
      expect(energy / (units.weights * rho * rho)).toBeCloseTo(1, 2);
    }
    expect(planSpread(units, SYMBOLS, ZERO_BIT, KEY, 0.01)).toBeNull();
    expect(planSpread(units, new Int8Array(683).fill(1), PAYLOAD_CLASSES[3]!, KEY, 0.02)).toBeNull();
  });

  test.each(DTYPES)("of %s weights gives the same bytes however views are cut", async (dtype) => {
    const { checkpoint, units } = await host(dtype, { width: 260, hidden: 300 });
    const edits = editsWith(units, new Float64Array(64).fill(0.01), KEY, 1);
    const whole = await marked(checkpoint, edits);
    const cut = await marked(checkpoint, edits, 37);
    const files = await Promise.all([cut, whole].map((copy) => fileOfCheckpoint(copy.checkpoint)));
    expect(Buffer.compare(files[0]!, files[1]!)).toBe(0);
    whole.achieved.sums.forEach((sum, i) => {
      expect(cut.achieved.sums[i]).toBeCloseTo(sum, 9);
    });
    expect(cut.achieved.counts).toEqual(whole.achieved.counts);
  });

  test.each(DTYPES)(
    "never changes a sign of %s weights nor touches zeros, subnormals, NaN and infinities",
    async (dtype) => {
      const model = gaussianLlama(2, { dtype: "F32" });
      for (const tensor of model.values()) {
        for (let i = 0; i < tensor.values.length; i += 97) {
          const special = [0, -0, 1e-41, -1e-41, 1e-6, Number.NaN, Number.POSITIVE_INFINITY][(i / 97) % 7]!;
          // A row with something that is not finite is read without it.
          if (Number.isFinite(special) || i % 5 === 0) tensor.values[i] = special;
        }
      }
      const stored = new Map([...model].map(([name, tensor]) => [name, { ...tensor, dtype }]));
      const checkpoint = await checkpointOfModel(stored);
      const units = await readSpread(checkpoint, KEY, { marking: true, threads: 0 });
      const edits = editsWith(units, new Float64Array(64).fill(0.3), KEY, 1);
      const copy = await marked(checkpoint, edits);
      const [was, is] = [await fileOfCheckpoint(checkpoint), await fileOfCheckpoint(copy.checkpoint)];
      const marks = new Set(spreadMatrices(checkpoint).map(({ tensor }) => tensor));
      const least = dtype === "F16" ? 2 ** -14 : 2 ** -126;
      const width = DTYPE_BITS[dtype] / 8;
      let moved = 0;
      for (const { name, begin, end } of checkpoint.tensors.values()) {
        const [a, b] = [was.slice(begin, end), is.slice(begin, end)];
        if (!marks.has(name)) {
          expect(Buffer.compare(a, b)).toBe(0);
          continue;
        }
        const [x, y] = [decodeToF32(a, dtype), decodeToF32(b, dtype)];
        for (let i = 0; i < x.length; i++) {
          const normal = Number.isFinite(x[i]) && Math.abs(x[i]!) >= least;
          if (normal && Number.isFinite(y[i]) && x[i]! * y[i]! !== 0 && Math.sign(x[i]!) === Math.sign(y[i]!)) {
            if (x[i] !== y[i]) moved += 1;
          } else if (
            normal ||
            Buffer.compare(a.subarray(i * width, (i + 1) * width), b.subarray(i * width, (i + 1) * width)) !== 0
          ) {
            expect.fail(`${name}[${i}] went from ${x[i]} to ${y[i]}`);
          }
        }
      }
      expect(moved).toBeGreaterThan(400_000);
    },
  );
});
