import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { fingerprintCheckpoint } from "../../src/fingerprint/extract.ts";
import { tensorWindows } from "../../src/fingerprint/tensor-windows.ts";
import { reorderTensors, scramble } from "../support/derive.ts";
import { randomModel } from "../support/random-model.ts";
import { checkpointOf } from "../support/stored-model.ts";

const WHOLE = 3 * 4096;
const size = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3000 }));
const shape = fc.oneof(
  fc.array(size, { maxLength: 4 }),
  fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 20_000 })).map((dims) => [...dims]),
  fc.tuple(fc.integer({ min: 1, max: 5000 }), size, size).map((dims) => [...dims]),
  fc.integer({ min: 0, max: 10_000_000 }).map((n) => [n]),
);
const countOf = (dims: readonly number[]): number => dims.reduce((product, n) => product * n, 1);

describe("the windows of a tensor", () => {
  test.prop([shape], { numRuns: 1000 })("lie inside of it, in order, and do not overlap", (dims) => {
    const count = countOf(dims);
    let end = 0;
    // One assertion a tensor: there are thousands of windows in some.
    const wrong = tensorWindows(dims).filter(([start, length]) => {
      const isSafe = Number.isSafeInteger(start) && Number.isSafeInteger(length);
      const isNext = start >= end && (count === 0 || length > 0);
      end = start + length;
      return !isSafe || !isNext;
    });
    expect(wrong).toEqual([]);
    expect(end).toBeLessThanOrEqual(count);
  });

  test.prop([shape], { numRuns: 500 })("are all of a small one, and little of a large one", (dims) => {
    const [count, windows] = [countOf(dims), tensorWindows(dims)];
    const read = windows.reduce((sum, [, length]) => sum + length, 0);
    if (count <= WHOLE) expect(windows).toEqual([[0, count]]);
    else if (dims.length === 3 && dims[0]! > 1 && dims[0]! <= 4096) expect(read).toBeLessThanOrEqual(256 * dims[0]!);
    else expect(read).toBeLessThanOrEqual(3 * 1024);
    // The first element of a row each, so that rows which are sampled anyway serve.
    const row = count / dims[0]!;
    if (count > WHOLE && dims.length !== 3) for (const [start] of windows) expect(start % row).toBe(0);
  });

  test.prop([fc.integer({ min: 2, max: 4096 }), size, size], { numRuns: 300 })(
    "look into every expert of a stack",
    (experts, rows, cols) => {
      const slab = rows * cols;
      if (experts * slab <= WHOLE) return;
      const windows = tensorWindows([experts, rows, cols]);
      expect(windows).toHaveLength(experts);
      expect(windows.filter(([start], expert) => Math.floor(start / slab) !== expert)).toEqual([]);
      expect(windows.filter(([start, length]) => (start % slab) + length > slab)).toEqual([]);
    },
  );

  test.prop([fc.integer({ min: 1, max: 1_000_000 })], { numRuns: 4 })(
    "give equal tensors equal digests, whatever they are called and wherever they lie",
    async (s) => {
      const model = randomModel({ init: s }, { width: 64, hidden: 200, layers: 1, vocabulary: 200 });
      const digests = async (m: typeof model) => {
        const { tensors, roots } = await fingerprintCheckpoint(await checkpointOf(m));
        return {
          leaves: tensors.map((t) => `${t.shape} ${t.values!.f32} ${t.values!.bf16}`).sort(),
          stored: roots.stored,
        };
      };
      const plain = await digests(model);
      expect(await digests(scramble(model, s))).toEqual(plain);
      expect(await digests(reorderTensors(model, s))).toEqual(plain);
      const [name] = [...model.keys()];
      const first = model.get(name!)!;
      const touched = new Map(model).set(name!, {
        ...first,
        values: first.values.map((x, i) => (i === 1 ? x + 1 : x)),
      });
      expect((await digests(touched)).stored).not.toBe(plain.stored);
    },
  );
});
