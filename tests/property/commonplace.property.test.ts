import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { isCommonplace } from "../../src/fingerprint/commonplace.ts";
import { fingerprintCheckpoint } from "../../src/fingerprint/extract.ts";
import { wholeNumbers } from "../../src/fingerprint/whole-numbers.ts";
import { DTYPE_BITS } from "../../src/formats/tensor-info.ts";
import { compareSubjects } from "../../src/lineage/compare.ts";
import { type RawTensor, rawFile } from "../support/raw-model.ts";
import { filesCheckpoint } from "../support/stored-model.ts";

const small = fc.integer({ min: -1000, max: 1000 });
const shape = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 3, max: 9 }));

describe("what anybody writes", () => {
  test.prop([shape, small, small, small, fc.nat(), fc.integer({ min: 1, max: 99 })])(
    "is every even count, and none of which one number was changed",
    ([rows, cols], first, right, down, at, by) => {
      const values = Float64Array.from({ length: rows * cols }, (_, i) => {
        return first + right * (i % cols) + down * Math.floor(i / cols);
      });
      const isIt = (): boolean => isCommonplace([{ start: 0, values }], [rows, cols], "I64");
      expect(isIt()).toBe(true);
      values[at % values.length]! += by;
      // Two values of which one stands in a corner are a mask as well.
      if (new Set(values).size > 2) expect(isIt()).toBe(false);
    },
  );

  test.prop([
    fc.integer({ min: 3, max: 20 }),
    fc.integer({ min: 3, max: 20 }),
    fc.integer({ min: -25, max: 25 }),
    fc.boolean(),
  ])("is every triangle", (rows, cols, diagonal, upper) => {
    const values = Uint8Array.from({ length: rows * cols }, (_, i) => {
      const above = (i % cols) - Math.floor(i / cols);
      return Number(upper ? above >= diagonal : above <= diagonal);
    });
    expect(isCommonplace([{ start: 0, values }], [1, rows, cols], "BOOL")).toBe(true);
  });

  test.prop([fc.uint8Array({ maxLength: 40 }), fc.nat(20), fc.constantFrom("U8", "I16", "U32", "I64")])(
    "is looked for in the whole elements among the bytes that were read",
    (bytes, first, dtype) => {
      const width = DTYPE_BITS[dtype] / 8;
      const { start, values } = wholeNumbers(bytes, first, dtype)!;
      expect(start * width).toBeGreaterThanOrEqual(first);
      expect(start * width - first).toBeLessThan(width);
      const end = (start + values.length) * width;
      if (values.length > 0) expect(end).toBeLessThanOrEqual(first + bytes.length);
      expect(first + bytes.length - Math.max(end, start * width)).toBeLessThan(width);
    },
  );
});

const tensor = fc.record({
  dtype: fc.constantFrom("I64", "U64", "I32", "U8", "I8", "BOOL", "F32"),
  shape: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }),
  seed: fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
});

test.prop([fc.array(tensor, { minLength: 1, maxLength: 5 }), fc.boolean()], { numRuns: 60 })(
  "Equal files of any types are identical or hold nothing of anybody's, whatever their tensors are called",
  async (tensors, isFull) => {
    const raw = tensors.map(({ dtype, shape: dims, seed }, i): RawTensor => {
      const count = dims.reduce((product, n) => product * n, 1);
      const bytes = Uint8Array.from({ length: (count * DTYPE_BITS[dtype]) / 8 }, () => seed.next().value as number);
      // Bits are bits, and floats are finite.
      if (dtype === "BOOL") for (const [k, byte] of bytes.entries()) bytes[k] = byte & 1;
      if (dtype === "F32") for (let k = 3; k < bytes.length; k += 4) bytes[k] = bytes[k]! & 0x3f;
      return { name: `t${i}`, dtype, shape: dims, bytes };
    });
    const subject = async (name: string, list: readonly RawTensor[]) => {
      const checkpoint = await filesCheckpoint([rawFile({ tensors: list })]);
      const depth = isFull ? ("full" as const) : ("sampled" as const);
      return {
        name,
        checkpoint,
        root: false,
        fingerprint: await fingerprintCheckpoint(checkpoint, { depth, threads: 0 }),
      };
    };
    const renamed = raw.map((one, i) => ({ ...one, name: `another.${raw.length - i}` })).reverse();
    const [a, b] = [await subject("a", raw), await subject("b", renamed)];
    expect(a.fingerprint.roots).toEqual(b.fingerprint.roots);
    const { verdict, caveats } = await compareSubjects(a, b, { monteCarlo: false });
    const says = a.fingerprint.tensors.some(({ uniform }) => !uniform);
    expect(verdict).toBe(says ? "identical" : "not-testable");
    if (!says) expect(caveats.join()).toContain("a: every tensor is constant");
  },
);
