import { describe, expect, it } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { allSquare, type MatrixOutline, outlinesOf, testableParts } from "../../../src/lineage/testable.ts";
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

describe("square matrices of one width", () => {
  const all = (...shapes: readonly (readonly [number, number])[]) =>
    allSquare(shapes.map(([rows, cols]) => ({ rows, cols })));

  it("cannot be told from what they were given", () => {
    expect(all([8, 8], [8, 8])).toMatch(/^all 2 matrices are 8 x 8, as wide as what they were given: nothing shows/);
    expect(all([8, 8], [8, 8], [8, 8])).toMatch(/^all 3 matrices/);
  });

  it("are two at least, and all of them", () => {
    expect([all(), all([8, 8]), all([8, 8], [8, 4]), all([8, 8], [4, 8]), all([4, 8], [8, 8])]).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});

const OUTLINE: MatrixOutline = {
  component: "x",
  layer: 0,
  expert: -1,
  role: "q",
  axis: "residual",
  twin: false,
  rows: 8,
  cols: 4,
  tokens: false,
  valid: [false, true],
};

describe("why a part cannot be tested", () => {
  const why = (...outlines: readonly Partial<MatrixOutline>[]) => {
    const sketches = outlines.map((outline) => ({ ...OUTLINE, ...outline }));
    return testableParts({ sketches })[0]?.reason;
  };
  const nobodys = { axis: null };
  const dead = { valid: [false, false] };

  it("is not asked of two that can", () => {
    expect(why({}, {})).toBeNull();
    expect(why({}, {}, nobodys)).toBeNull();
  });

  it("is that it has one matrix with columns that may be exchanged, or none", () => {
    expect(why({})).toMatch(/^a single matrix that a test can use/);
    expect(why({}, nobodys)).toMatch(/^a single matrix that a test can use/);
    expect(why(nobodys, nobodys)).toMatch(/^no matrix of which shapes or names tell/);
    expect(why({ ...nobodys, rows: 4 }, { ...nobodys, rows: 4 })).toMatch(/^all 2 matrices are 4 x 4/);
    expect(why({ rows: 4 }, { ...nobodys, rows: 4 })).toMatch(/^a single matrix that a test can use/);
  });

  it("is that no row of them, or of all but one, can be used", () => {
    expect(why(dead, dead)).toMatch(/^no matrix with a row that can be used/);
    expect(why(dead, {})).toMatch(/^a single matrix with rows that can be used/);
  });

  it("is told by component, in the order of names", () => {
    const sketches = ["b", "a"].map((component) => ({ ...OUTLINE, component }));
    expect(testableParts({ sketches }).map(({ component }) => component)).toEqual(["a", "b"]);
  });
});
