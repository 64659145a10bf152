import { expect, it } from "vitest";
import { prng } from "../../../../src/numerics/prng.ts";
import { addChipSums, type ChipSums, emptyChipSums } from "../../../../src/watermark/carriers/spread/chip-sums.ts";
import { planEdits } from "../../../../src/watermark/copy/edit-plan.ts";
import { editTile } from "../../../../src/watermark/copy/tile-edit.ts";
import type { TensorEdit, ViewEdit } from "../../../../src/watermark/host/tensor-edit.ts";
import { bytesOf, checkpointOf } from "../../../support/stored-model.ts";

const ROWS = 60;
const COLS = 300;
const CHIPS = 16;
const random = prng("tile edit");
const values = Float32Array.from({ length: ROWS * COLS }, () => 0.02 * random.normal());

/** A spread mark and a mark in a difference on the two halves of one tensor. */
function edit(): TensorEdit {
  const key = (fill: number) => new Uint8Array(32).fill(fill);
  const amplitudes = Float64Array.from({ length: CHIPS }, (_, i) => 0.002 * (i + 1));
  const half = (first: number) => Float64Array.from({ length: ROWS / 2 }, (_, r) => (first + 2 * r) * COLS);
  const plain = { colStride: 1, cols: COLS, rowSigns: null, colSigns: null, spread: null, lowRank: null };
  const columnScales = new Float32Array(COLS).fill(1);
  const spread = { coinKey: key(1), mapKey: key(2), ditherKey: key(3), chips: CHIPS, amplitudes, columnScales };
  const shaped = {
    rank: 2,
    coefficients: Float32Array.from({ length: ROWS }, () => 1e-4 * random.normal()),
    directions: Float32Array.from({ length: 2 * COLS }, () => random.normal()),
    ditherKey: key(4),
  };
  const small = amplitudes.map((x) => 0.02 * x);
  const difference = { coinKey: key(5), mapKey: key(6), chips: CHIPS, amplitudes: small, shaped };
  const views: ViewEdit[] = [
    { ...plain, address: "even", rowOffsets: half(0), spread },
    { ...plain, address: "odd", rowOffsets: half(1), difference },
  ];
  return { tensor: "w", views, vectorSigns: null };
}

it("marks the same weights however the rows are cut", async () => {
  const tensor = { shape: [ROWS, COLS], values, dtype: "BF16" as const };
  const checkpoint = await checkpointOf(new Map([["w", tensor]]));
  const { begin } = checkpoint.tensors.get("w")!;
  const edits = new Map([["w", edit()]]);
  const [whole, cut] = [1 << 20, 7 * COLS * 2].map((tileBytes) => {
    const bytes = bytesOf(tensor);
    const sums: ChipSums = emptyChipSums(CHIPS);
    let tiles = 0;
    for (const task of planEdits(checkpoint, edits, { tileBytes, maxBytes: 1 << 20 })) {
      if (task.edit === null) continue;
      const tile = bytes.slice(task.begin - begin, task.end - begin);
      addChipSums(sums, editTile(tile, task.edit)!);
      bytes.set(tile, task.begin - begin);
      tiles++;
    }
    return { bytes, sums, tiles };
  });
  expect([whole!.tiles, cut!.tiles]).toEqual([1, 9]);
  expect(Buffer.from(cut!.bytes).equals(whole!.bytes)).toBe(true);
  const before = bytesOf(tensor);
  for (const parity of [0, 1]) {
    const changed = before.filter((b, i) => Math.floor(i / 2 / COLS) % 2 === parity && b !== whole!.bytes[i]).length;
    expect(changed).toBeGreaterThan(0.05 * ROWS * COLS);
  }
  for (let i = 0; i < CHIPS; i++) {
    expect(cut!.sums.sums[i]).toBeCloseTo(whole!.sums.sums[i]!, 6);
    expect(cut!.sums.counts[i]).toBe(whole!.sums.counts[i]);
  }
});
