import { describe, expect, it } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { outlinesOf, testableParts } from "../../../src/lineage/testable.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { tableOf } from "../../support/tensor-table.ts";

const sketches = (component: string, roles: readonly MatrixSketch["role"][], usable = true): MatrixSketch[] =>
  randomFingerprint({ seed: 1, layers: 1, roles }).sketches.map((sketch) => ({
    ...sketch,
    component,
    valid: sketch.valid.map(() => usable),
  }));

describe("the components that can be tested", () => {
  it("have two matrices with usable rows and labels that can be exchanged; tables never are", () => {
    const parts = testableParts({
      sketches: [
        ...sketches("language", ["q", "down"]),
        ...sketches("language", ["position"]).map((sketch) => ({ ...sketch, axis: null })),
        ...sketches("language", ["up"]).map((sketch) => ({ ...sketch, twin: true })),
        ...sketches("patches", ["patch", "conv"]).map((sketch) => ({ ...sketch, axis: null })),
        ...sketches("constant", ["q", "up"], false),
        ...sketches("lone", ["v"]),
        ...sketches("half", ["q"]),
        ...sketches("half", ["k"], false),
        ...sketches("embeddings", ["embed", "position"]),
      ],
    });
    const reason = expect.any(String);
    expect(parts).toEqual([
      { component: "constant", matrices: 0, testable: false, reason: expect.stringContaining("constant") },
      { component: "embeddings", matrices: 2, testable: false, reason: expect.stringContaining("tables alone") },
      { component: "half", matrices: 1, testable: false, reason },
      { component: "language", matrices: 2, testable: true, reason: null },
      { component: "lone", matrices: 1, testable: false, reason },
      { component: "patches", matrices: 0, testable: false, reason: expect.stringContaining("hidden units") },
    ]);
    expect(testableParts({ sketches: [] })).toEqual([]);
  });

  it("are told by headers as by a fingerprint, integers and constants left out", () => {
    const table = tableOf(`model.embed_tokens.weight I8 300 16
                           model.layers.0.self_attn.q_proj.weight 16 16
                           model.layers.0.self_attn.k_proj.weight 16 16
                           model.layers.0.self_attn.o_proj.weight 16 16
                           model.layers.0.mlp.up_proj.weight I8 24 16`);
    const parts = (...unusable: string[]) =>
      testableParts({ sketches: outlinesOf(describeAnatomy(table, null), table, new Set(unusable)) });
    expect(parts()).toEqual([{ component: "model.layers", matrices: 2, testable: true, reason: null }]);
    expect(parts("model.layers.0.self_attn.q_proj.weight")).toMatchObject([{ matrices: 1, testable: false }]);
  });
});
