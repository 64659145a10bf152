import { memorySource } from "../../src/bytes/memory-source.ts";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { readSafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { DTYPE_BITS } from "../../src/formats/tensor-info.ts";
import type { DirectDtype } from "../../src/kernels/coins.ts";
import { prng } from "../../src/numerics/prng.ts";
import { addressOf } from "../../src/rows/addressed-matrix.ts";
import { applySpread } from "../../src/watermark/carriers/spread/apply.ts";
import { addChipSums, type ChipSums, emptyChipSums } from "../../src/watermark/carriers/spread/chip-sums.ts";
import { spreadMatrices } from "../../src/watermark/carriers/spread/matrices.ts";
import type { SpreadEdit, ViewEdit } from "../../src/watermark/host/tensor-edit.ts";
import { type ModelKey, modelKey } from "../../src/watermark/key/model-key.ts";
import type { Model, ModelTensor } from "./random-model.ts";
import { fileOf } from "./stored-model.ts";

export interface GaussianShape {
  readonly layers?: number;
  readonly width?: number;
  readonly hidden?: number;
  readonly dtype?: ModelTensor["dtype"];
  readonly sigma?: number;
}

/** A Llama of independent Gaussian weights whose matrices are all large enough to be marked. */
export function gaussianLlama(seed: number, shape: GaussianShape = {}): Model {
  const { layers = 1, width = 256, hidden = 512, dtype = "BF16", sigma = 0.02 } = shape;
  const random = prng(`gaussian ${seed}`);
  const model = new Map<string, ModelTensor>();
  const add = (name: string, ...dims: number[]): void => {
    const length = dims.reduce((a, b) => a * b, 1);
    model.set(name, { shape: dims, dtype, values: Float32Array.from({ length }, () => sigma * random.normal()) });
  };
  add("model.embed_tokens.weight", 64, width);
  for (let n = 0; n < layers; n++) {
    const at = `model.layers.${n}`;
    for (const role of ["q", "k", "v", "o"]) add(`${at}.self_attn.${role}_proj.weight`, width, width);
    for (const role of ["gate", "up"]) add(`${at}.mlp.${role}_proj.weight`, hidden, width);
    add(`${at}.mlp.down_proj.weight`, width, hidden);
    add(`${at}.input_layernorm.weight`, width);
    add(`${at}.post_attention_layernorm.weight`, width);
  }
  add("model.norm.weight", width);
  return model;
}

export function testKey(seed: number): ModelKey {
  const master = new Uint8Array(32);
  new DataView(master.buffer).setUint32(0, seed);
  return modelKey(master, "test");
}

/** One safetensors file in memory as a checkpoint. */
export async function checkpointOfFile(file: Uint8Array, config: Checkpoint["config"] = null): Promise<Checkpoint> {
  const source = memorySource(file);
  const tensors = new Map();
  for (const info of (await readSafetensorsHeader(source)).tensors.values())
    tensors.set(info.name, { ...info, file: 0 });
  return {
    location: "memory",
    container: "safetensors",
    files: [{ path: "model.safetensors", absolutePath: null, source }],
    tensors,
    config,
    notes: [],
    async verifyUnchanged() {},
    async close() {},
  };
}

export async function checkpointOfModel(model: Model, config: Checkpoint["config"] = null): Promise<Checkpoint> {
  return checkpointOfFile(fileOf(model), config);
}

/** The bytes of the only file of a checkpoint in memory. */
export async function fileOfCheckpoint(checkpoint: Checkpoint): Promise<Uint8Array> {
  const { source } = checkpoint.files[0]!;
  return (await source.read(0, source.size)).slice();
}

/** A marked copy of a checkpoint in memory; every view is cut into tiles of `tileRows` rows. */
export async function marked(
  checkpoint: Checkpoint,
  edits: ReadonlyMap<string, SpreadEdit>,
  tileRows = Number.POSITIVE_INFINITY,
): Promise<{ checkpoint: Checkpoint; achieved: ChipSums }> {
  const file = await fileOfCheckpoint(checkpoint);
  const [first] = edits.values();
  const achieved = emptyChipSums(first!.chips);
  for (const matrix of spreadMatrices(checkpoint)) {
    const { begin, end, dtype } = checkpoint.tensors.get(matrix.tensor)!;
    // A copy, because headers leave tensors at any alignment.
    const tile = file.slice(begin, end);
    const width = DTYPE_BITS[dtype] / 8;
    const address = addressOf(matrix);
    const view: ViewEdit = {
      address,
      rowOffsets: Float64Array.from({ length: matrix.rows }, (_, row) => matrix.rowOffset(row)),
      colStride: matrix.colStride,
      cols: matrix.cols,
      rowSigns: null,
      colSigns: null,
      spread: edits.get(address)!,
      lowRank: null,
    };
    for (let at = 0; at < matrix.rows; at += tileRows) {
      const count = Math.min(tileRows, matrix.rows - at);
      const part = { first: at, count, offset: (row: number): number => matrix.rowOffset(row) * width };
      addChipSums(achieved, applySpread(tile, dtype as DirectDtype, view, part));
    }
    file.set(tile, begin);
  }
  return { checkpoint: await checkpointOfFile(file, checkpoint.config), achieved };
}
