import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../../src/checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../../../src/errors.ts";
import { DTYPE_BITS, type Dtype } from "../../../../src/formats/tensor-info.ts";
import { planEdits } from "../../../../src/watermark/copy/edit-plan.ts";
import { flipSigns } from "../../../../src/watermark/copy/sign-flips.ts";
import type { TensorEdit, ViewEdit } from "../../../../src/watermark/host/tensor-edit.ts";

const HEADER = 100;

/** A file with one tensor, of which the planner sees the shape alone. */
function checkpointWith(dtype: Dtype, shape: readonly number[]): Checkpoint {
  const end = HEADER + (shape.reduce((a, b) => a * b, 1) * DTYPE_BITS[dtype]) / 8;
  const tensor = { name: "w", dtype, shape, begin: HEADER, end, file: 0 };
  return {
    files: [{ path: "f", absolutePath: null, source: { size: end } }],
    tensors: new Map([["w", tensor]]),
  } as unknown as Checkpoint;
}

function view(fields: Partial<ViewEdit> & Pick<ViewEdit, "rowOffsets" | "cols">): ViewEdit {
  return { address: "a", colStride: 1, rowSigns: null, colSigns: null, spread: null, lowRank: null, ...fields };
}

function edit(...views: ViewEdit[]): ReadonlyMap<string, TensorEdit> {
  return new Map([["w", { tensor: "w", views, vectorSigns: null }]]);
}

const rows = (count: number, offset: (row: number) => number) =>
  Float64Array.from({ length: count }, (_, row) => offset(row));

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof WeightmarkError) return error.code;
    throw error;
  }
  return "accepted";
}

const limits = { tileBytes: 1000, maxBytes: 4000 };

describe("planEdits", () => {
  it("cuts between rows and keeps tiles small", () => {
    const whole = view({ rowOffsets: rows(40, (r) => 50 * r), cols: 50, rowSigns: new Int8Array(40).fill(-1) });
    const tasks = [...planEdits(checkpointWith("BF16", [40, 50]), edit(whole), limits)];
    expect(
      tasks.map(({ begin, end, edit: e }) => [begin, end, e?.runs.map((r) => [r.first, r.view.rowOffsets.length])]),
    ).toEqual([
      [0, 100, undefined],
      [100, 1100, [[0, 10]]],
      [1100, 2100, [[10, 10]]],
      [2100, 3100, [[20, 10]]],
      [3100, 4100, [[30, 10]]],
    ]);
    for (const { edit: e } of tasks) expect(e?.runs[0]?.view.rowSigns?.length ?? 10).toBe(10);
  });

  it("keeps the rows of fused views together with their own numbers, and copies what is in no row", () => {
    // Heads of 2 rows: q q k v, repeated; v is in no view.
    const q = view({ address: "q", rowOffsets: rows(20, (r) => 50 * (Math.floor(r / 2) * 4 + (r % 2))), cols: 50 });
    const k = view({ address: "k", rowOffsets: rows(10, (r) => 50 * (4 * r + 2)), cols: 50 });
    const tasks = [...planEdits(checkpointWith("BF16", [40, 50]), edit(q, k), limits)];
    const seen = new Map<string, number[]>();
    let at = 0;
    for (const { begin, end, edit: e } of tasks) {
      expect(begin).toBe(at);
      at = end;
      expect(end - begin).toBeLessThanOrEqual(1000);
      for (const { first, view: cut } of e?.runs ?? []) {
        cut.rowOffsets.forEach((offset, i) => {
          expect(HEADER + 2 * offset).toBeGreaterThanOrEqual(begin);
          expect(HEADER + 2 * (offset + 50)).toBeLessThanOrEqual(end);
          expect(offset).toBe({ q, k }[cut.address]!.rowOffsets[first + i]);
          seen.set(cut.address, [...(seen.get(cut.address) ?? []), first + i]);
        });
      }
    }
    expect(at).toBe(4100);
    expect(seen.get("q")).toEqual([...Array(20).keys()]);
    expect(seen.get("k")).toEqual([...Array(10).keys()]);
  });

  it("does not cut where the rows of two views lie in each other", () => {
    const one = view({ rowOffsets: rows(15, (r) => 100 * r), cols: 100 });
    const other = view({ rowOffsets: rows(15, (r) => 100 * r + 80), cols: 30 });
    const plan = (tensorRows: number) => planEdits(checkpointWith("BF16", [tensorRows, 100]), edit(one, other), limits);
    expect([...plan(16)].map(({ begin, end }) => [begin, end])).toEqual([
      [0, 100],
      [100, 100 + 2 * 1510],
      [100 + 2 * 1510, 3300],
    ]);
    const longer = { ...one, rowOffsets: rows(25, (r) => 100 * r) };
    const chained = { ...other, rowOffsets: rows(25, (r) => 100 * r + 80) };
    expect(codeOf(() => planEdits(checkpointWith("BF16", [26, 100]), edit(longer, chained), limits))).toBe(
      "TENSOR_TOO_LARGE",
    );
  });

  it("takes transposed tensors whole, up to a limit", () => {
    const transposed = (n: number) => view({ rowOffsets: rows(50, (r) => r), colStride: 50, cols: n });
    const tasks = [...planEdits(checkpointWith("BF16", [40, 50]), edit(transposed(40)), limits)];
    expect(tasks.map(({ begin, end }) => [begin, end])).toEqual([
      [0, 100],
      [100, 4100],
    ]);
    expect(codeOf(() => planEdits(checkpointWith("BF16", [41, 50]), edit(transposed(41)), limits))).toBe(
      "TENSOR_TOO_LARGE",
    );
  });

  it("refuses what cannot be edited", () => {
    const signs = view({ rowOffsets: rows(2, (r) => 4 * r), cols: 4, rowSigns: Int8Array.of(-1, 1) });
    const added = {
      ...signs,
      lowRank: {
        rank: 0,
        coefficients: new Float32Array(0),
        directions: new Float32Array(0),
        ditherKey: new Uint8Array(32),
      },
    };
    const on = (dtype: Dtype, e: ViewEdit) => codeOf(() => planEdits(checkpointWith(dtype, [2, 4]), edit(e)));
    for (const dtype of ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"] as const)
      expect(on(dtype, signs)).toBe("accepted");
    for (const dtype of ["I8", "U8", "F8_E4M3FNUZ", "F8_E8M0", "I32", "BOOL", "C64"] as const) {
      expect(on(dtype, signs), dtype).toBe("DTYPE_UNSUPPORTED");
    }
    for (const dtype of ["F32", "F16", "BF16"] as const) expect(on(dtype, added)).toBe("accepted");
    for (const dtype of ["F64", "F8_E4M3"] as const) expect(on(dtype, added)).toBe("DTYPE_UNSUPPORTED");
  });

  it("refuses edits of another checkpoint", () => {
    const one = (fields: Partial<ViewEdit>) => view({ rowOffsets: rows(2, (r) => 4 * r), cols: 4, ...fields });
    const code = (e: ReadonlyMap<string, TensorEdit>) => codeOf(() => planEdits(checkpointWith("BF16", [2, 4]), e));
    expect(code(edit(one({})))).toBe("accepted");
    expect(code(edit(one({ cols: 5 })))).toBe("INTERNAL");
    expect(code(edit(one({ rowOffsets: Float64Array.of(0, 5) })))).toBe("INTERNAL");
    expect(code(edit(one({ rowOffsets: Float64Array.of(-1, 4) })))).toBe("INTERNAL");
    expect(code(edit(one({ rowOffsets: Float64Array.of(Number.NaN) })))).toBe("INTERNAL");
    expect(code(new Map([["x", { tensor: "x", views: [], vectorSigns: null }]]))).toBe("INTERNAL");
    expect(code(new Map([["w", { tensor: "w", views: [], vectorSigns: new Int8Array(7) }]]))).toBe("INTERNAL");
  });
});

describe("flipSigns", () => {
  it("makes the product of row and column signs, for every width", () => {
    for (const dtype of ["F64", "F32"] as const) {
      const values = dtype === "F64" ? new Float64Array(6) : new Float32Array(6);
      values.set([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]);
      const rowSigns = Int8Array.of(1, -1);
      const colSigns = Int8Array.of(-1, 1, -1);
      flipSigns(new Uint8Array(values.buffer), dtype, {
        offsets: Float64Array.of(0, 3),
        colStride: 1,
        cols: 3,
        rowSigns,
        colSigns,
      });
      expect([...values]).toEqual([2.5, -1.5, 0.5, 0.5, -1.5, 2.5]);
    }
  });
});
