import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { DTYPE_BITS, type Dtype } from "../../src/formats/tensor-info.ts";
import { planEdits } from "../../src/watermark/copy/edit-plan.ts";
import { writeMarkedCopy } from "../../src/watermark/copy/marked-copy.ts";
import { hasSignBit } from "../../src/watermark/copy/sign-flips.ts";
import { editTile } from "../../src/watermark/copy/tile-edit.ts";
import type { LowRankEdit, TensorEdit, ViewEdit } from "../../src/watermark/host/tensor-edit.ts";
import { filesBelow, type RawShard, type RawTensor, rawFile, writeRawModel } from "../support/raw-model.ts";

const DTYPES = Object.keys(DTYPE_BITS) as Dtype[];
const MARKABLE = new Set<Dtype>(["BF16", "F16", "F32"]);

const sign = fc.constantFrom(1, -1);
const signs = (length: number) =>
  fc.option(fc.array(sign, { minLength: length, maxLength: length }).map((s) => Int8Array.from(s)));

function bytes(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** Which elements the rows of a view are, several ways to cut a matrix [rows, cols] into views. */
function layouts(rows: number, cols: number): readonly Omit<ViewEdit, "rowSigns" | "colSigns" | "lowRank">[][] {
  const view = (address: string, offsets: number[], colStride: number, width: number) => ({
    address,
    rowOffsets: Float64Array.from(offsets),
    colStride,
    cols: width,
    spread: null,
  });
  const all = [...Array(rows).keys()];
  return [
    [
      view(
        "whole",
        all.map((r) => r * cols),
        1,
        cols,
      ),
    ],
    [view("transposed", [...Array(cols).keys()], cols, rows)],
    [
      view(
        "upper",
        all.filter((r) => r % 2 === 0).map((r) => r * cols),
        1,
        cols,
      ),
      view(
        "lower",
        all
          .filter((r) => r % 2 === 1)
          .reverse()
          .map((r) => r * cols),
        1,
        cols,
      ),
    ],
    // The last column belongs to nobody.
    [
      view(
        "narrow",
        all.map((r) => r * cols),
        1,
        Math.max(0, cols - 1),
      ),
    ],
  ];
}

function viewEdit(base: Omit<ViewEdit, "rowSigns" | "colSigns" | "lowRank">, added: boolean): fc.Arbitrary<ViewEdit> {
  const rows = base.rowOffsets.length;
  const floats = (n: number) =>
    fc.array(fc.constantFrom(0, 0, 0.25, -3), { minLength: n, maxLength: n }).map((x) => Float32Array.from(x));
  const lowRank: fc.Arbitrary<LowRankEdit | null> = added
    ? fc.record({
        rank: fc.constant(2),
        coefficients: floats(rows * 2),
        directions: floats(base.cols * 2),
        ditherKey: bytes(32),
      })
    : fc.constant(null);
  return fc.record({
    ...(Object.fromEntries(Object.entries(base).map(([k, v]) => [k, fc.constant(v)])) as never as {
      address: fc.Arbitrary<string>;
      rowOffsets: fc.Arbitrary<Float64Array>;
      colStride: fc.Arbitrary<number>;
      cols: fc.Arbitrary<number>;
      spread: fc.Arbitrary<null>;
    }),
    rowSigns: signs(rows),
    colSigns: signs(base.cols),
    lowRank,
  });
}

/** A tensor and, for most floats, an edit of it. */
const edited = fc
  .record({
    name: fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom("__proto__", "constructor", "../x")),
    dtype: fc.constantFrom(...DTYPES, "BF16" as const, "BF16" as const, "F16" as const, "F32" as const),
    rows: fc.integer({ min: 0, max: 9 }),
    cols: fc.integer({ min: 0, max: 7 }),
    flat: fc.boolean(),
  })
  .filter(({ name }) => !/\p{Surrogate}/u.test(name))
  .chain(({ name, dtype, rows, cols, flat }) => {
    const bits = DTYPE_BITS[dtype];
    // Sub-byte elements fill whole bytes in fours.
    const width = bits < 8 ? 4 * cols : cols;
    const shape = flat ? [rows * width] : [rows, width];
    const edits: fc.Arbitrary<TensorEdit | null> = !hasSignBit(dtype)
      ? fc.constant(null)
      : flat
        ? signs(rows * width).map((vectorSigns) => ({ tensor: name, views: [], vectorSigns }))
        : fc
            .constantFrom(...layouts(rows, width))
            .chain((views) => fc.tuple(...views.map((v) => viewEdit(v, MARKABLE.has(dtype)))))
            .map((views) => ({ tensor: name, views, vectorSigns: null }));
    return fc.record({
      tensor: bytes((rows * width * bits) / 8).map((b): RawTensor => ({ name, dtype, shape, bytes: b })),
      edit: fc.option(edits).map((e) => e ?? null),
    });
  });

const model = fc
  .record({
    tensors: fc.uniqueArray(edited, { selector: ({ tensor }) => tensor.name, minLength: 1, maxLength: 7 }),
    shards: fc.integer({ min: 1, max: 3 }),
    metadata: fc.option(fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 9 }), { maxKeys: 3 }), {
      nil: undefined,
    }),
    padding: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ tensors, shards, metadata, padding }) => {
    const count = Math.min(shards, tensors.length);
    const parts = Array.from({ length: count }, (_, i): RawShard => {
      return { tensors: tensors.filter((_, t) => t % count === i).map(({ tensor }) => tensor), metadata, padding };
    });
    const edits = new Map(tensors.flatMap(({ tensor, edit }) => (edit === null ? [] : [[tensor.name, edit] as const])));
    return { parts, edits };
  });

/** The sign of every element that an edit turns, by definition. */
function turned({ shape }: RawTensor, { views, vectorSigns }: TensorEdit): Set<number> {
  const found = new Set<number>();
  const turn = (element: number) => {
    if (!found.delete(element)) found.add(element);
  };
  vectorSigns?.forEach((s, i) => {
    if (s < 0) turn(i);
  });
  for (const { rowOffsets, colStride, cols, rowSigns, colSigns } of views) {
    rowOffsets.forEach((offset, i) => {
      for (let j = 0; j < cols; j++) {
        if ((rowSigns?.[i] ?? 1) * (colSigns?.[j] ?? 1) < 0) turn(offset + j * colStride);
      }
    });
  }
  expect(Math.max(-1, ...found)).toBeLessThan(shape.reduce((a, b) => a * b, 1));
  return found;
}

/** Elements of rows that a low-rank addition may touch. */
function reached({ views }: TensorEdit): Set<number> {
  const found = new Set<number>();
  for (const { rowOffsets, colStride, cols, lowRank } of views) {
    if (lowRank === null) continue;
    rowOffsets.forEach((offset, i) => {
      if (lowRank.coefficients.subarray(2 * i, 2 * i + 2).every((c) => c === 0)) return;
      for (let j = 0; j < cols; j++) found.add(offset + j * colStride);
    });
  }
  return found;
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "weightmark-test-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("a marked copy", () => {
  test.prop([model], { numRuns: 100 })("is the model but for the edited elements", async ({ parts, edits }) => {
    await inDirectory(async (directory) => {
      const [input, output] = [join(directory, "in"), join(directory, "out")];
      const names = writeRawModel(input, parts);
      const before = filesBelow(input);
      const checkpoint = await openCheckpoint(input);
      await writeMarkedCopy(checkpoint, output, edits, { threads: 0 }).finally(() => checkpoint.close());
      expect(filesBelow(input)).toEqual(before);
      expect(readdirSync(directory).sort()).toEqual(["in", "out"]);

      const after = filesBelow(output);
      expect([...after.keys()]).toEqual([...before.keys()]);
      for (const [path, bytes] of after) if (!names.includes(path)) expect(bytes).toEqual(before.get(path));
      for (const [i, part] of parts.entries()) {
        const written = after.get(names[i]!)!;
        const dataStart = rawFile(part).length - part.tensors.reduce((n, t) => n + t.bytes.length, 0);
        expect(written.subarray(0, dataStart)).toEqual(before.get(names[i]!)!.subarray(0, dataStart));
        let at = dataStart;
        for (const tensor of part.tensors) {
          const end = at + tensor.bytes.length;
          checkTensor(tensor, written.subarray(at, end), edits.get(tensor.name));
          at = end;
        }
        expect(at).toBe(written.length);
      }
    });
  });

  test.prop([model, fc.integer({ min: 1, max: 200 })], { numRuns: 100 })(
    "does not depend on how tensors are cut",
    async ({ parts, edits }, tileBytes) => {
      await inDirectory(async (directory) => {
        const names = writeRawModel(directory, parts);
        const checkpoint = await openCheckpoint(directory);
        const limits = { maxBytes: 1 << 20 };
        const cut = [...planEdits(checkpoint, edits, { ...limits, tileBytes })];
        const whole = [...planEdits(checkpoint, edits, { ...limits, tileBytes: 1 << 20 })];
        await checkpoint.close();
        for (const [file, name] of names.entries()) {
          const results = [cut, whole].map((tasks) => {
            const input = filesBelow(directory).get(name)!;
            const output = Buffer.alloc(input.length, 0xaa);
            let at = 0;
            for (const task of tasks.filter((t) => t.file === file)) {
              expect(task.begin).toBe(at);
              const tile = Uint8Array.from(input.subarray(task.begin, task.end));
              if (task.edit !== null) editTile(tile, task.edit);
              output.set(tile, task.begin);
              at = task.end;
            }
            expect(at).toBe(input.length);
            return output;
          });
          expect(results[0]!.equals(results[1]!)).toBe(true);
        }
      });
    },
  );
});

function checkTensor(tensor: RawTensor, now: Uint8Array, edit: TensorEdit | undefined): void {
  if (edit === undefined) {
    expect(Buffer.from(now).equals(tensor.bytes)).toBe(true);
    return;
  }
  const width = DTYPE_BITS[tensor.dtype] / 8;
  const expected = Uint8Array.from(tensor.bytes);
  for (const element of turned(tensor, edit)) expected[element * width + width - 1]! ^= 0x80;
  const free = reached(edit);
  for (let i = 0; i < expected.length / width; i++) {
    const [was, is] = [expected, now].map((b) => Buffer.from(b.subarray(i * width, (i + 1) * width)));
    // What is added is checked elsewhere; its sign may not change in any case.
    if (free.has(i)) expect((was![width - 1]! ^ is![width - 1]!) & 0x80).toBe(0);
    else expect(is!.equals(was!)).toBe(true);
  }
}
