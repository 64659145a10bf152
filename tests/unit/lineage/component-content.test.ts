import { describe, expect, test } from "vitest";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { componentContent, sameTable } from "../../../src/lineage/component-content.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { fingerprintOf } from "../../support/sketches.ts";

const part = (seed: number, component: string): MatrixSketch[] =>
  randomFingerprint({ seed }).sketches.map((sketch) => ({ ...sketch, component }));
const base = fingerprintOf([...part(1, "tower"), ...part(2, "text")]);
const against = (suspect: Fingerprint, name = "vision", of = "tower") =>
  componentContent(suspect, base, { suspect: name, base: of });

/** The model with the digest of the `index`-th tensor and sketch changed. */
const tuned = (fp: Fingerprint, index: number): Fingerprint => {
  const values = { f32: "0".repeat(32), f16: "1".repeat(32), bf16: "2".repeat(32) };
  return {
    ...fp,
    tensors: fp.tensors.map((t, i) => (i === index ? { ...t, values } : t)),
    sketches: fp.sketches.map((s, i) => (i === index ? { ...s, digest: values } : s)),
  };
};

/** What rounding to bf16 leaves of a model. */
const rounded = (fp: Fingerprint): Fingerprint => ({
  ...fp,
  tensors: fp.tensors.map((t) => ({ ...t, values: t.values && { ...t.values, f32: t.values.bf16 } })),
  sketches: fp.sketches.map((s) => ({ ...s, digest: { ...s.digest, f32: s.digest.bf16 } })),
});

describe("the content of two stacks", () => {
  const copy = fingerprintOf([...part(3, "other"), ...part(1, "vision").reverse()]);

  test("is the same under other names, in another order and beside other stacks", () => {
    expect(against(copy)).toBe("identical");
    expect(against(copy, "vision", "text")).toBeNull();
    expect(against(copy, "other")).toBeNull();
    expect(against(copy, "nowhere")).toBeNull();
    expect(componentContent(base, copy, { suspect: "tower", base: "vision" })).toBe("identical");
  });

  test("is the other's rounded, from both sides", () => {
    expect(against(rounded(copy))).toBe("recast");
    expect(componentContent(base, rounded(copy), { suspect: "tower", base: "vision" })).toBe("recast");
  });

  test("is not the same when any one matrix was tuned, is missing, or is one more", () => {
    for (let i = 9; i < copy.tensors.length; i++) {
      expect(against(tuned(copy, i))).toBeNull();
      expect(against(tuned(rounded(copy), i))).toBeNull();
    }
    expect(against(tuned(copy, 0))).toBe("identical");
    expect(against(fingerprintOf(part(1, "vision").slice(1)))).toBeNull();
    expect(against(fingerprintOf([...part(1, "vision"), part(4, "vision")[0]!]))).toBeNull();
  });

  test("counts tensors that no sketch covers, such as most experts", () => {
    const expert = copy.tensors.at(-1)!;
    const hidden = (values: string): Fingerprint => ({
      ...copy,
      tensors: [...copy.tensors, { ...expert, name: "hidden", values: { f32: values, f16: values, bf16: values } }],
    });
    const whole = {
      ...base,
      tensors: [...base.tensors, { ...hidden("a".repeat(32)).tensors.at(-1)!, component: "tower" }],
    };
    const names = { suspect: "vision", base: "tower" };
    expect(componentContent(hidden("a".repeat(32)), whole, names)).toBe("identical");
    expect(componentContent(hidden("b".repeat(32)), whole, names)).toBeNull();
  });

  test("says nothing where no two matrices vary", () => {
    const uniform = (fp: Fingerprint, from: number): Fingerprint => ({
      ...fp,
      tensors: fp.tensors.map((t, i) => ({ ...t, uniform: i >= from })),
      sketches: fp.sketches.map((s, i) => ({ ...s, valid: s.valid.map(() => i < from) })),
    });
    expect(against(uniform(copy, 0))).toBeNull();
    expect(against(uniform(copy, 10))).toBeNull();
    expect(against(uniform(copy, 11))).toBe("identical");
  });

  test("is seen through another way to store it, if all of it was sketched", () => {
    const fused: Fingerprint = {
      ...copy,
      tensors: copy.tensors.map((t) => ({ ...t, shape: [t.shape[1]!, t.shape[0]! * 2] })),
    };
    expect(against(fused)).toBe("identical");
    expect(against(tuned(fused, 12))).toBeNull();
    const partly = { ...fused, coverage: { ...fused.coverage, matrices: fused.coverage.sketched + 1 } };
    expect(against(partly)).toBeNull();
  });
});

describe("a token table", () => {
  const [table] = part(7, "embeddings") as [MatrixSketch];

  test("is the same where all sampled rows are equal, or one's are the other's rounded", () => {
    const digest = { ...table.digest, f32: table.digest.f16 };
    expect(sameTable(table, { ...table, component: "x" })).toBe(true);
    expect(sameTable({ ...table, digest }, table)).toBe(true);
    expect(sameTable(table, { ...table, digest })).toBe(true);
  });

  test("is not where it is another, has more rows, or holds nothing that varies", () => {
    expect(sameTable(table, part(8, "embeddings")[0]!)).toBe(false);
    expect(sameTable({ ...table, rows: table.rows + 8 }, table)).toBe(false);
    const dead = { ...table, valid: table.valid.map(() => false) };
    expect(sameTable(dead, dead)).toBe(false);
  });
});
