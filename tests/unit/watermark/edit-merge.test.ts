import { describe, expect, test } from "vitest";
import { type CarrierEdits, mergeEdits } from "../../../src/watermark/edit-merge.ts";
import { addressedViews } from "../../../src/watermark/host/host-checkpoint.ts";
import type { SpreadEdit, TensorEdit } from "../../../src/watermark/host/tensor-edit.ts";
import { randomModel } from "../../support/random-model.ts";
import { checkpointOfModel, gaussianLlama } from "../../support/spread-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const UP = "model.layers.0.mlp.up_proj.weight";
const AT_UP = "language/0/up/-1";
const EMBED = "model.embed_tokens.weight";
const nothing: CarrierEdits = { flips: new Map(), spread: new Map(), tokens: new Map() };
const spreadEdit = (columns: number): SpreadEdit => ({
  coinKey: new Uint8Array(32),
  mapKey: new Uint8Array(32),
  ditherKey: new Uint8Array(32),
  chips: 64,
  amplitudes: new Float64Array(64),
  columnScales: new Float32Array(columns),
});
const signs = (rows: number) => ({ rowSigns: new Int8Array(rows).fill(-1), colSigns: null });

describe("merging what carriers do", () => {
  test("touches nothing when none does anything", async () => {
    expect(mergeEdits(await checkpointOfModel(gaussianLlama(1)), nothing).size).toBe(0);
  });

  test("puts signs and spread mark of a matrix into one view", async () => {
    const checkpoint = await checkpointOfModel(gaussianLlama(1));
    const spread = spreadEdit(256);
    const flips = new Map([[AT_UP, signs(512)]]);
    const merged = mergeEdits(checkpoint, { ...nothing, flips, spread: new Map([[AT_UP, spread]]) });
    expect([...merged.keys()]).toEqual([UP]);
    const [view, ...others] = merged.get(UP)!.views;
    expect(others).toEqual([]);
    expect(view).toMatchObject({ address: AT_UP, cols: 256, colStride: 1, rowSigns: signs(512).rowSigns });
    expect(view!.spread).toBe(spread);
  });

  test("needs no signs for a spread mark", async () => {
    const checkpoint = await checkpointOfModel(gaussianLlama(1));
    const merged = mergeEdits(checkpoint, { ...nothing, spread: new Map([[AT_UP, spreadEdit(256)]]) });
    expect(merged.get(UP)!.views).toMatchObject([{ address: AT_UP, rowSigns: null, colSigns: null, lowRank: null }]);
  });

  test("keeps every view of a tensor that holds several matrices", async () => {
    const checkpoint = await checkpointOf(randomModel({ init: 1 }, { family: "phi3", layers: 1 }));
    const fused = addressedViews(checkpoint).filter(({ tensor }) => tensor.includes("gate_up_proj"));
    expect(fused.map(({ role }) => role).sort()).toEqual(["gate", "up"]);
    const spread = new Map<string, SpreadEdit>(
      fused.map(({ layer, role, cols }) => [`language/${layer}/${role}/-1`, spreadEdit(cols)]),
    );
    const flips = new Map([[AT_UP, signs(fused[0]!.rows)]]);
    const [edit, ...others] = [...mergeEdits(checkpoint, { ...nothing, flips, spread }).values()];
    expect(others).toEqual([]);
    const byAddress = new Map(edit!.views.map((view) => [view.address, view]));
    expect(byAddress.size).toBe(2);
    expect(byAddress.get(AT_UP)?.rowSigns).not.toBeNull();
    expect(byAddress.get("language/0/gate/-1")?.rowSigns).toBeNull();
    for (const [address, view] of byAddress) expect(view.spread).toBe(spread.get(address));
  });

  test("takes edits of token matrices as they are", async () => {
    const tokens: TensorEdit = { tensor: EMBED, views: [], vectorSigns: null };
    const merged = mergeEdits(await checkpointOfModel(gaussianLlama(1)), {
      ...nothing,
      tokens: new Map([[EMBED, tokens]]),
    });
    expect([...merged]).toEqual([[EMBED, tokens]]);
  });

  test("refuses signs that were planned for another model", async () => {
    const checkpoint = await checkpointOfModel(gaussianLlama(1));
    for (const [address, rows] of [
      ["language/7/up/-1", 512],
      [AT_UP, 511],
    ] as const) {
      const planned = { ...nothing, flips: new Map([[address, signs(rows)]]) };
      expect(() => mergeEdits(checkpoint, planned)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
    }
  });
});
