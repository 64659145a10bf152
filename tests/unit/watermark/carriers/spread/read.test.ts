import { describe, expect, test } from "vitest";
import { serializeSafetensors, type TensorData } from "../../../../../src/formats/safetensors/writer.ts";
import { coinBytesOf } from "../../../../../src/kernels/coins.ts";
import { decodeToF32 } from "../../../../../src/kernels/decode.ts";
import { prng } from "../../../../../src/numerics/prng.ts";
import { addressOf } from "../../../../../src/rows/addressed-matrix.ts";
import { editsWith } from "../../../../../src/watermark/carriers/spread/amplitudes.ts";
import { blockDraws, chipOf, chipOfBin } from "../../../../../src/watermark/carriers/spread/chip-map.ts";
import { scalesFromRows } from "../../../../../src/watermark/carriers/spread/column-scales.ts";
import { addToBins } from "../../../../../src/watermark/carriers/spread/fold.ts";
import { spreadMatrices } from "../../../../../src/watermark/carriers/spread/matrices.ts";
import { readSpread } from "../../../../../src/watermark/carriers/spread/read.ts";
import { readHostSpread } from "../../../../../src/watermark/carriers/spread/read-host.ts";
import {
  emptySpreadSums,
  type SpreadUnits,
  spreadDecoys,
  spreadReading,
  sumsOfClass,
} from "../../../../../src/watermark/carriers/spread/spread-units.ts";
import { hostModel } from "../../../../../src/watermark/host/host-checkpoint.ts";
import { keystream } from "../../../../../src/watermark/key/keystream.ts";
import { chipCount, PAYLOAD_CLASSES } from "../../../../../src/watermark/message/payload-class.ts";
import { coinOf } from "../../../../oracles/coin.ts";
import type { Model, ModelTensor } from "../../../../support/random-model.ts";
import {
  checkpointOfFile,
  checkpointOfModel,
  gaussianLlama,
  marked,
  testKey,
} from "../../../../support/spread-model.ts";
import { savedCheckpoint } from "../../../../support/stored-model.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const KEY = testKey(1);
const ZERO_BIT = PAYLOAD_CLASSES[0]!;

async function read(model: Model, config: Record<string, unknown> | null = null): Promise<SpreadUnits> {
  return readSpread(await checkpointOfModel(model, config), KEY, { threads: 0 });
}

function mapModel(model: Model, edit: (tensor: ModelTensor, name: string) => Float32Array): Model {
  return new Map([...model].map(([name, tensor]) => [name, { ...tensor, values: edit(tensor, name) }]));
}

/** Largest difference of two sets of values and energies, over all payload classes. */
function distance(a: SpreadUnits, b: SpreadUnits): number {
  let most = 0;
  for (const payloadClass of PAYLOAD_CLASSES) {
    const [x, y] = [spreadReading(a, payloadClass), spreadReading(b, payloadClass)];
    x.values.forEach((value, i) => {
      most = Math.max(most, Math.abs(value - y.values[i]!), Math.abs(x.energies[i]! - y.energies[i]!));
    });
  }
  return most;
}

/** Rounds every row to int8 by its largest value; the scales are lost. */
function int8Rows(values: Float32Array, cols: number): Uint8Array {
  const codes = new Int8Array(values.length);
  for (let i = 0; i < values.length; i += cols) {
    const row = values.subarray(i, i + cols);
    const step = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    row.forEach((x, j) => {
      codes[i + j] = Math.round(x / step);
    });
  }
  return new Uint8Array(codes.buffer);
}

describe("reading", () => {
  test.each(["BF16", "F16", "F32", "F64"] as const)(
    "sums over a %s model are those of a plain detector",
    async (dtype) => {
      const checkpoint = await checkpointOfModel(gaussianLlama(3, { dtype, width: 256, hidden: 260 }));
      const units = await readSpread(checkpoint, KEY, { threads: 0 });
      const { values, energies } = spreadReading(units, ZERO_BIT);
      const sums = new Float64Array(64);
      const squares = new Float64Array(64);
      const counts = new Float64Array(64);
      // The scales themselves are no sums over chips: taken as they are when the model is read for marking.
      const f32 = await checkpointOfModel(
        new Map(
          [...gaussianLlama(3, { dtype, width: 256, hidden: 260 })].map(([name, t]) => [
            name,
            { ...t, dtype: dtype === "F64" ? "F32" : dtype },
          ]),
        ),
      );
      const { matrices } = await readSpread(f32, KEY, { threads: 0, marking: true });
      for (const view of spreadMatrices(checkpoint)) {
        const { begin, end } = checkpoint.tensors.get(view.tensor)!;
        const w = decodeToF32(await checkpoint.files[0]!.source.read(begin, end), dtype);
        const address = addressOf(view);
        const { scales } = matrices.get(address)!;
        const coins = new Uint8Array(coinBytesOf(view.cols));
        const stream = keystream(KEY.subkey("spread/coins"), address);
        const blocks = Math.ceil(view.cols / 256);
        const draws = blockDraws(KEY.subkey("spread/map"), address).rows(0, view.rows, blocks);
        for (let i = 0; i < view.rows; i++) {
          stream.fill(coins, i * coins.length);
          let total = 0;
          for (let j = 0; j < view.cols; j++) total += (w[i * view.cols + j]! / scales[j]!) ** 2;
          const rms = Math.sqrt(total / view.cols);
          for (let j = 0; j < view.cols; j++) {
            const a = w[i * view.cols + j]! / scales[j]! / rms;
            const chip = Math.floor((draws[i * blocks + (j >> 8)]! * 64) / 65_536);
            sums[chip]! += coinOf(coins, j) * a;
            squares[chip]! += a * a;
            counts[chip]! += 1;
          }
        }
      }
      sums.forEach((sum, i) => {
        expect(values[i]).toBeCloseTo(sum / Math.sqrt(counts[i]!), 4);
        expect(energies[i]).toBeCloseTo(squares[i]! / counts[i]!, 4);
      });
      expect(units.weights).toBe(counts.reduce((a, b) => a + b, 0));
      expect(energies.reduce((a, b) => a + b, 0) / 64).toBeCloseTo(1, 2);
    },
  );

  test("does not see scales of rows and columns: folded norms, activation-aware scales, scaled neurons", async () => {
    const random = prng("scales");
    const scale = (n: number): Float64Array => Float64Array.from({ length: n }, () => Math.exp(0.7 * random.normal()));
    const model = gaussianLlama(4, { dtype: "F32" });
    const scaled = mapModel(model, ({ shape, values }) => {
      if (shape.length !== 2) return values;
      const [left, right] = [scale(shape[0]!), scale(shape[1]!)];
      return values.map((x, i) => x * left[Math.floor(i / shape[1]!)]! * right[i % shape[1]!]!);
    });
    expect(distance(await read(scaled), await read(model))).toBeLessThan(0.01);
    const doubled = mapModel(model, ({ values }) => values.map((x) => x * 2 ** -70));
    expect(distance(await read(doubled), await read(model))).toBe(0);
  });

  test("of a fused, a transposed and a plain storage of the same weights is the same", async () => {
    const model = gaussianLlama(5, { dtype: "BF16", width: 256, hidden: 256 });
    const at = "model.layers.0";
    const part = (role: string) => model.get(`${at}.self_attn.${role}_proj.weight`)!;
    const joined = (...parts: ModelTensor[]): ModelTensor => ({
      ...parts[0]!,
      shape: [256 * parts.length, 256],
      values: Float32Array.from(parts.flatMap(({ values }) => [...values])),
    });
    const fused = new Map(model);
    for (const role of ["q", "k", "v"]) fused.delete(`${at}.self_attn.${role}_proj.weight`);
    for (const role of ["gate", "up"]) fused.delete(`${at}.mlp.${role}_proj.weight`);
    fused.set(`${at}.self_attn.qkv_proj.weight`, joined(part("q"), part("k"), part("v")));
    fused.set(
      `${at}.mlp.gate_up_proj.weight`,
      joined(model.get(`${at}.mlp.gate_proj.weight`)!, model.get(`${at}.mlp.up_proj.weight`)!),
    );
    expect(distance(await read(fused), await read(model))).toBeLessThan(1e-9);

    // GPT-NeoX interleaves heads; GPT-2 stores [in, out].
    const heads = 4;
    const rows = 256 / heads;
    const interleaved = Float32Array.from({ length: 3 * 256 * 256 }, (_, i) => {
      const row = Math.floor(i / 256);
      const [head, slot] = [Math.floor(row / (3 * rows)), Math.floor(row / rows) % 3];
      return part(["q", "k", "v"][slot]!).values[(head * rows + (row % rows)) * 256 + (i % 256)]!;
    });
    const [o, up, down] = [part("o"), model.get(`${at}.mlp.up_proj.weight`)!, model.get(`${at}.mlp.down_proj.weight`)!];
    const norm = { shape: [256], dtype: "BF16", values: new Float32Array(256).fill(1) } as const;
    const neox: Model = new Map<string, ModelTensor>([
      ["gpt_neox.embed_in.weight", { ...norm, shape: [64, 256], values: new Float32Array(64 * 256) }],
      ["gpt_neox.layers.0.input_layernorm.weight", norm],
      ["gpt_neox.layers.0.attention.query_key_value.weight", { ...o, shape: [768, 256], values: interleaved }],
      ["gpt_neox.layers.0.attention.dense.weight", o],
      ["gpt_neox.layers.0.mlp.dense_h_to_4h.weight", up],
      ["gpt_neox.layers.0.mlp.dense_4h_to_h.weight", down],
    ]);
    const transposed = (...parts: ModelTensor[]): ModelTensor => ({
      ...o,
      shape: [256, 256 * parts.length],
      values: Float32Array.from({ length: 256 * 256 * parts.length }, (_, i) => {
        const [row, column] = [Math.floor(i / (256 * parts.length)), i % (256 * parts.length)];
        return parts[Math.floor(column / 256)]!.values[(column % 256) * 256 + row]!;
      }),
    });
    const gpt2: Model = new Map<string, ModelTensor>([
      ["transformer.wte.weight", { ...norm, shape: [64, 256], values: new Float32Array(64 * 256) }],
      ["transformer.h.0.ln_1.weight", norm],
      ["transformer.h.0.attn.c_attn.weight", transposed(part("q"), part("k"), part("v"))],
      ["transformer.h.0.attn.c_proj.weight", transposed(o)],
      ["transformer.h.0.mlp.c_fc.weight", transposed(up)],
      ["transformer.h.0.mlp.c_proj.weight", transposed(down)],
    ]);
    const plain = new Map(model);
    plain.delete(`${at}.mlp.gate_proj.weight`);
    const expected = await read(plain);
    const config = { num_attention_heads: heads, hidden_size: 256 };
    expect(distance(await read(neox, config), expected)).toBeLessThan(1e-9);
    expect(distance(await read(gpt2), expected)).toBeLessThan(1e-9);
  });

  test("through a host model gives what reading the stored weights gives", async () => {
    for (const dtype of ["BF16", "F16", "F32"] as const) {
      const checkpoint = await checkpointOfModel(gaussianLlama(6, { dtype, width: 256, hidden: 300, layers: 2 }));
      const direct = await readSpread(checkpoint, KEY, { threads: 0 });
      expect(distance(await readHostSpread(hostModel(checkpoint), KEY), direct)).toBeLessThan(1e-9);
    }
  });

  test("with flips is reading flipped weights", async () => {
    const model = gaussianLlama(7, { dtype: "BF16" });
    const sign = (i: number): 1 | -1 => (i % 3 === 1 ? -1 : 1);
    const address = "language/0/down/-1";
    const name = "model.layers.0.mlp.down_proj.weight";
    const flipped = mapModel(model, ({ values, shape }, which) =>
      which === name ? values.map((x, i) => x * sign(Math.floor(i / shape[1]!)) * sign((i % shape[1]!) + 1)) : values,
    );
    const [rows, cols] = model.get(name)!.shape as [number, number];
    const signs = {
      rowSigns: Int8Array.from({ length: rows }, (_, i) => sign(i)),
      colSigns: Int8Array.from({ length: cols }, (_, j) => sign(j + 1)),
    };
    const flips = new Map([[address, signs]]);
    const found = await readSpread(await checkpointOfModel(model), KEY, { threads: 0, flips });
    expect(distance(found, await read(model))).toBeGreaterThan(0.01);
    expect(distance(found, await read(flipped))).toBe(0);
  });

  test("gives the same bits on any number of threads", async () => {
    const checkpoint = await savedCheckpoint(gaussianLlama(8, { layers: 2 }), temporaryDirectory());
    const [none, one, two] = await Promise.all(
      [0, 1, 2].map((threads) => readSpread(checkpoint, KEY, { threads, marking: true })),
    );
    expect(one).toEqual(none);
    expect(two).toEqual(none);
    await checkpoint.close();
  });

  test("counts what is not finite as nothing, and dead matrices as dead", async () => {
    const model = mapModel(gaussianLlama(9, { dtype: "F32" }), ({ values, shape }, name) => {
      if (name.includes("q_proj")) return values.map(() => 0);
      if (name.includes("k_proj")) return values.map(() => Number.NaN);
      if (name.includes("v_proj")) return values.map((x, i) => (i % shape[1]! === 7 ? Number.POSITIVE_INFINITY : x));
      if (name.includes("o_proj")) return values.map((_, i) => (i % 2 === 0 ? 3e38 : 1e-38));
      return values;
    });
    const { values, energies } = spreadReading(await read(model), ZERO_BIT);
    for (const numbers of [values, energies]) expect(numbers.every(Number.isFinite)).toBe(true);
    // v, gate, up, down live (7 of 10 parts), and o may.
    const energy = energies.reduce((a, b) => a + b, 0) / 64;
    expect(energy).toBeGreaterThan(0.65);
    expect(energy).toBeLessThan(0.95);
  });

  test("of int8 weights with a scale for every row reads the mark of their parent", async () => {
    const checkpoint = await checkpointOfModel(gaussianLlama(11, { dtype: "F32" }));
    const units = await readSpread(checkpoint, KEY, { threads: 0, marking: true });
    const copy = await marked(checkpoint, editsWith(units, new Float64Array(64).fill(0.02), KEY, 1));
    const parts: TensorData[] = [];
    for (const { name, shape, begin, end } of copy.checkpoint.tensors.values()) {
      const bytes = await copy.checkpoint.files[0]!.source.read(begin, end);
      const matrix = shape.length === 2 && name.includes("layers");
      const data = matrix ? int8Rows(decodeToF32(bytes, "F32"), shape[1]!) : bytes;
      parts.push({ name, shape, dtype: matrix ? "I8" : "F32", data });
    }
    const quantised = await checkpointOfFile(serializeSafetensors(parts));
    const parent = spreadReading(await readSpread(copy.checkpoint, KEY, { threads: 0 }), ZERO_BIT);
    const found = spreadReading(await readSpread(quantised, KEY, { threads: 0 }), ZERO_BIT);
    const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
    expect(sum(parent.values) / 8).toBeGreaterThan(14);
    expect(Math.abs(sum(found.values) / sum(parent.values) - 1)).toBeLessThan(0.01);
  });

  test("gives decoys all weights, and no share of the mark", async () => {
    const units = await read(gaussianLlama(10));
    const total = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);
    const { squares } = sumsOfClass(units, PAYLOAD_CLASSES[2]!);
    expect(total(spreadDecoys(units).unitEnergies) / total(squares)).toBeCloseTo(1, 5);

    // Blocks that all agree with the key, as in a marked model: 24 to a bin, which would add up were their signs equal.
    const blocks = 200_000;
    const draws = blockDraws(KEY.subkey("spread/map"), "language/0/q/-1").rows(0, blocks, 1);
    const sums = new Float64Array(blocks).fill(1);
    const { bins, signed } = emptySpreadSums();
    addToBins(bins, signed, { sums, squares: sums, blocks: 1, rowScales: sums }, draws, 256, null);
    expect(total(signed.map((sum) => sum * sum)) / blocks).toBeLessThan(1.2);
    expect(total(bins.sums.map((sum) => sum * sum)) / blocks).toBeGreaterThan(20);
    expect(total(bins.squares)).toBe(blocks);
  });

  test("sees the same where an attacker has scaled rows so far apart that sums would leave f32", () => {
    const random = prng("apart");
    const values = Float32Array.from({ length: 64 * 256 }, () => random.normal());
    const apart = values.map((x, at) => x * 2 ** ([0, -70, 60][(at >> 8) % 3] ?? 0));
    const [plain, scaled] = [scalesFromRows(values, 256), scalesFromRows(apart, 256)];
    const ratio = scaled[0]! / plain[0]!;
    expect(ratio).toBeGreaterThan(0);
    scaled.forEach((scale, j) => {
      expect(scale / plain[j]! / ratio).toBeCloseTo(1, 5);
    });
  });

  test("makes the chips of every class of whole bins, none larger than another by more than one", () => {
    for (const payloadClass of PAYLOAD_CLASSES) {
      const chips = chipCount(payloadClass);
      const sizes = new Uint32Array(chips);
      for (let bin = 0; bin < 8192; bin++) sizes[chipOfBin(bin, chips)]! += 1;
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      for (const draw of [0, 7, 8, 4242, 65_535]) expect(chipOf(draw, chips)).toBe(chipOfBin(draw >>> 3, chips));
    }
  });

  test("stops when asked", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(readSpread(await checkpointOfModel(gaussianLlama(1)), KEY, { threads: 0, signal })).rejects.toThrow(
      "enough",
    );
  });
});
