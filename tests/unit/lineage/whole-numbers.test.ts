import { describe, expect, test } from "vitest";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import type { Depth } from "../../../src/fingerprint/fingerprint.ts";
import { DTYPE_BITS, type Dtype } from "../../../src/formats/tensor-info.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import type { CompareResult } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { untestableReason } from "../../../src/lineage/untestable.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { type RawTensor, rawFile } from "../../support/raw-model.ts";
import { filesCheckpoint, throughFile } from "../../support/stored-model.ts";

/** Random bytes; of booleans random bits. */
function random(dtype: Dtype, name: string, shape: readonly number[], seed: number): RawTensor {
  const count = shape.reduce((product, n) => product * n, 1);
  const bytes = new Uint8Array((count * DTYPE_BITS[dtype]) / 8);
  const source = prng(`${dtype} ${name} ${seed}`);
  for (let i = 0; i < bytes.length; i++) bytes[i] = source.uint32() & (dtype === "BOOL" ? 1 : 255);
  return { name, dtype, shape, bytes };
}

const integers = (name: string, shape: readonly number[], of: (i: number) => number): RawTensor => {
  const count = shape.reduce((product, n) => product * n, 1);
  const values = BigInt64Array.from({ length: count }, (_, i) => BigInt(of(i)));
  return { name, dtype: "I64", shape, bytes: new Uint8Array(values.buffer) };
};
const bits = (name: string, shape: readonly number[], of: (i: number) => boolean): RawTensor => {
  const count = shape.reduce((product, n) => product * n, 1);
  return { name, dtype: "BOOL", shape, bytes: Uint8Array.from({ length: count }, (_, i) => Number(of(i))) };
};
const floats = (name: string, shape: readonly number[], of: (i: number) => number): RawTensor => {
  const count = shape.reduce((product, n) => product * n, 1);
  return {
    name,
    dtype: "F32",
    shape,
    bytes: new Uint8Array(Float32Array.from({ length: count }, (_, i) => of(i)).buffer),
  };
};

async function subject(name: string, tensors: readonly RawTensor[], depth: Depth): Promise<Subject> {
  const checkpoint = await filesCheckpoint([rawFile({ tensors })]);
  const fingerprint = await throughFile(await fingerprintCheckpoint(checkpoint, { depth, threads: 0 }));
  return { name, fingerprint, checkpoint, root: false };
}

async function compared(
  a: readonly RawTensor[],
  b: readonly RawTensor[],
  depth: Depth = "sampled",
): Promise<CompareResult> {
  return compareSubjects(await subject("a", a, depth), await subject("b", b, depth), { monteCarlo: false });
}

const DTYPES = ["I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8", "BOOL"] as const;
const fileOf = (dtype: Dtype, seed: number, prefix = ""): RawTensor[] => [
  random(dtype, `${prefix}table`, [40, 30], seed),
  random(dtype, `${prefix}codes`, [200], seed),
];
const few = (seed: number): RawTensor[] => {
  const source = prng(`few ${seed}`);
  return [floats("norm.weight", [24], () => 1 + source.normal())];
};
const ones = floats("ones.weight", [24], () => 1);

describe.each(DTYPES)("files of %s", (dtype) => {
  test("that are equal are identical, whatever their tensors are called, sampled as well as everywhere", async () => {
    const sampled = await compared(fileOf(dtype, 1), fileOf(dtype, 1).reverse());
    expect(sampled.verdict).toBe("identical");
    expect(sampled.summary).toBe("a is equal to b wherever sampled.");
    const full = await compared(fileOf(dtype, 1), fileOf(dtype, 1), "full");
    expect(full.verdict).toBe("identical");
    expect(full.summary).toBe("a holds the same weights as b.");
  });

  test("that differ are not testable, and not called lost", async () => {
    for (const depth of ["sampled", "full"] as const) {
      const result = await compared(fileOf(dtype, 1), fileOf(dtype, 2), depth);
      expect(result.verdict).toBe("not-testable");
      expect(result.caveats.join()).toContain(`a: holds only whole numbers (${dtype}): quantisation codes or indices`);
      expect(result.caveats.join()).not.toMatch(/constant|lost/);
    }
  });

  test("with a few floats beside them are known by both", async () => {
    const one = [...fileOf(dtype, 1), ...few(1)];
    expect((await compared(one, one)).verdict).toBe("identical");
    expect((await compared(one, [...fileOf(dtype, 1), ...few(2)])).verdict).not.toBe("identical");
    expect((await compared(one, [...fileOf(dtype, 2), ...few(1)])).verdict).not.toBe("identical");
    const constant = [...fileOf(dtype, 1), ones];
    expect((await compared(constant, constant)).verdict).toBe("identical");
    const differing = await compared(constant, [...fileOf(dtype, 2), ones]);
    expect(differing.verdict).toBe("not-testable");
    expect(differing.caveats.join()).toContain(`a: holds only whole numbers (${dtype}) beside constants: `);
  });
});

/** Enough values that a few indices are few. */
const many = [random("F32", "norms", [4096], 5)];

test.each<[string, RawTensor]>([
  ["a mask of the shape of a matrix", random("BOOL", "up.mask", [64, 32], 3)],
  ["as many whole numbers as there are values", random("I64", "codes", [4096], 3)],
])("%s is content", async (_, extra) => {
  const matrix = random("F32", "up.weight", [64, 32], 4);
  const plain = [...few(1), ...many, matrix];
  expect((await compared(plain, plain)).verdict).toBe("identical");
  expect((await compared([...plain, extra], plain)).verdict).not.toBe("identical");
  expect((await compared(plain, [...plain, extra])).verdict).not.toBe("identical");
});

test("as many indices of each kind make files the same, where both store as many", async () => {
  const [one, other] = [1, 2].map((seed) => (name: string) => ({ ...random("I64", "index", [6, 6], seed), name }));
  const of = (...all: RawTensor[]) => [...few(1), ...many, ...all];
  const twoToOne = of(one!("a"), one!("b"), other!("c"));
  expect((await compared(twoToOne, of(one!("c"), one!("a"), other!("b")))).verdict).toBe("identical");
  expect((await compared(twoToOne, of(one!("a"), other!("b"), other!("c")))).verdict).not.toBe("identical");
  expect((await compared(of(one!("a")), of(one!("a"), one!("b")))).verdict).toBe("identical");
});

test("indices that only one file stores are no content, those that differ are", async () => {
  const index = random("I64", "relative_position_index", [6, 6], 1);
  const other = random("I64", "relative_position_index", [6, 6], 2);
  const aside = await compared([...few(1), ...many, index], [...few(1), ...many]);
  expect(aside.verdict).toBe("identical");
  expect(aside.relations).toEqual([]);
  expect(aside.caveats).toContain(
    "1 tensors of whole numbers or flags are stored by only one of both, and were not compared",
  );
  expect((await compared([...few(1), index], [...few(1), index])).verdict).toBe("identical");
  const differing = await compared([...few(1), index], [...few(1), other]);
  expect(differing.verdict).toBe("not-testable");
  expect(differing.caveats.join()).toContain("a: no matrices but of whole numbers, only vectors: ");
  const places = integers("position_ids", [1, 64], (i) => i);
  const { fingerprint: without } = await subject("a", few(1), "sampled");
  const { fingerprint } = await subject("a", [...few(1), index, places], "sampled");
  expect(fingerprint.roots).toEqual(without.roots);
});

const BUFFERS: readonly (readonly [string, readonly RawTensor[]])[] = [
  ["positions", [integers("position_ids", [1, 512], (i) => i)]],
  ["positions of many", [integers("position_ids", [1, 20_000], (i) => i)]],
  ["constants", [integers("token_type_ids", [1, 512], () => 0), integers("n", [], () => 7)]],
  ["masks", [bits("attn.bias", [1, 1, 128, 128], (i) => i % 128 <= Math.floor(i / 128))]],
  ["a mask too large to be read whole", [bits("bias", [256, 256], (i) => i % 256 <= Math.floor(i / 256))]],
  ["all of these beside ones", [ones, integers("p", [9], (i) => i), bits("m", [5, 5], (i) => i % 6 === 0)]],
];

describe.each(BUFFERS)("files of nothing but %s", (_, tensors) => {
  test.each(["sampled", "full"] as const)("are nobody's (%s)", async (depth) => {
    const result = await compared(tensors, tensors, depth);
    expect(result.verdict).toBe("not-testable");
    expect(result.caveats.join()).toMatch(/a: every tensor is constant .*, a count .* or a mask/);
  });
});

describe.each([
  ["scalars", []],
  ["tensors of one element", [1]],
  ["vectors of one value each", [16]],
] as const)("files of 50 different %s", (_, shape) => {
  const scalars = (seed: number, make: typeof floats = floats, scale = 1): RawTensor[] => {
    const source = prng(`scalars ${seed}`);
    return Array.from({ length: 50 }, (__, i) => {
      const value = scale === 1 ? source.normal() : Math.round(scale * source.normal());
      return make(`t${i}`, shape, () => value);
    });
  };

  test("are identical where they are equal", async () => {
    expect((await compared(scalars(1), scalars(1))).verdict).toBe("identical");
    expect((await compared(scalars(1), scalars(1), "full")).verdict).toBe("identical");
    expect((await compared(scalars(1, integers, 1e6), scalars(1, integers, 1e6))).verdict).toBe("identical");
  });

  test("are not called constant where they differ", async () => {
    const result = await compared(scalars(1), scalars(2));
    expect(result.verdict).toBe("not-testable");
    expect(result.caveats.join()).not.toMatch(/constant|lost/);
    if (shape[0] !== 16) expect(result.caveats.join()).toContain("a: only single numbers (50 of them)");
  });
});

test("fifty equal numbers, or the numbers of fifty layers, are nobody's", async () => {
  for (const of of [() => 0.02, (i: number) => i]) {
    const scalars = Array.from({ length: 50 }, (_, i) => floats(`t${i}`, [], () => of(i)));
    const result = await compared(scalars, scalars);
    expect(result.verdict).toBe("not-testable");
    expect(untestableReason((await subject("a", scalars, "sampled")).fingerprint)).toMatch(
      /^every tensor is constant /,
    );
  }
});
