import { describe, expect, test } from "vitest";
import type { Fingerprint, MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { coversDigests, equalTensors, isInformative, sameContent } from "../../../src/lineage/same-content.ts";
import { modelOf } from "../../support/findings.ts";

type Tensor = Fingerprint["tensors"][number];
const MODEL = modelOf(1, { "model.layers": { layers: 3 } });
const [FIRST, ...REST] = MODEL.tensors as [Tensor, ...Tensor[]];
const digest = (name: string) => ({ f32: `${name} f32`, f16: `${name} f16`, bf16: `${name} bf16` });
const roots = (content: string | null, stored = `${content}`, sampled = `${content}`) => ({ content, stored, sampled });
/** The same in another file: its roots say that something differs. */
const file = (change: Partial<Fingerprint> = {}): Fingerprint => ({
  ...MODEL,
  roots: roots(null, "here", "here"),
  ...change,
});
const other = (change: Partial<Fingerprint> = {}) => file({ roots: roots(null, "there", "there"), ...change });
const cast = (tensor: Tensor, type: "f16" | "bf16" = "f16"): Tensor => ({
  ...tensor,
  values: { f32: tensor.values![type], f16: "?", bf16: "??" },
});
/** The same said of the two files in either order. */
function same(one: Fingerprint, two: Fingerprint) {
  const [found, back] = [sameContent(one, two), sameContent(two, one)];
  if (found?.kind === "recast") {
    expect(back).toEqual({ ...found, narrower: found.narrower === "base" ? "suspect" : "base" });
  } else expect(back).toEqual(found);
  return found;
}

describe("files are equal", () => {
  test("everywhere where their contents are", () => {
    const full = file({ roots: roots("bytes") });
    expect(same(full, file({ roots: roots("bytes") }))).toEqual({ kind: "identical", everywhere: true });
    expect(same(full, file({ roots: roots("others", "s") }))).toBeNull();
    expect(same(file(), other())).toBeNull();
  });

  test("wherever sampled where what is stored is, unless every byte of one type was read and some differ", () => {
    const sampled = { kind: "identical", everywhere: false };
    expect(same(file(), file())).toEqual(sampled);
    expect(same(file({ roots: roots("a", "same") }), file({ roots: roots(null, "same") }))).toEqual(sampled);
    const [one, two] = [file({ roots: roots("a", "same") }), file({ roots: roots("b", "same") })];
    expect(same(one, two)).toBeNull();
    expect(same(one, { ...two, dtypes: { F64: 3 } })).toEqual(sampled);
    expect(same({ ...one, dtypes: { F32: 1, F64: 2 } }, { ...two, dtypes: { F64: 2, F32: 1 } })).toBeNull();
  });

  test("laid otherwise where all canonical matrices are, and all were sketched", () => {
    const fused = { tensors: [{ ...FIRST, shape: [192, 64] }] };
    const [one, two] = [file({ roots: roots(null, "a", "same") }), file({ roots: roots(null, "b", "same"), ...fused })];
    expect(same(one, two)).toEqual({ kind: "identical", everywhere: false });
    const coverage = { ...MODEL.coverage, sketched: 2 };
    expect(same(one, { ...two, coverage })).toBeNull();
    expect(same({ ...one, coverage }, two)).toBeNull();
    // Of the same shapes what is stored decides.
    expect(same(one, file({ roots: roots(null, "b", "same"), tensors: REST.concat(cast(FIRST)) }))).toMatchObject({
      kind: "recast",
    });
  });

  test("not where one holds nothing but constants", () => {
    const constant = file({ tensors: MODEL.tensors.map((tensor) => ({ ...tensor, uniform: true })) });
    expect(same(constant, constant)).toBeNull();
    expect(same(constant, file())).toBeNull();
    const unread = MODEL.tensors.map((tensor) => ({ ...tensor, values: null }));
    const [mask, ...weights] = MODEL.tensors;
    expect(isInformative({ tensors: [{ ...mask!, uniform: true }, ...weights] } as unknown as Fingerprint)).toBe(true);
    expect([isInformative(constant), isInformative({ ...constant, tensors: unread }), isInformative(file())]).toEqual([
      false,
      false,
      true,
    ]);
  });
});

test("numbers that only one side stores are counted, and those that differ tell files apart", () => {
  const numbers = (name: string): Tensor => ({ ...FIRST, name, dtype: "I64", shape: [3], values: digest(name) });
  const withOne = { tensors: [...MODEL.tensors, numbers("positions")] };
  expect(same(file(withOne), file())).toEqual({ kind: "identical", everywhere: false, indices: 1 });
  expect(same(file(withOne), file({ tensors: [...MODEL.tensors, numbers("others")] }))).toBeNull();
  expect(same(file(withOne), file(withOne))).toEqual({ kind: "identical", everywhere: false });
});

describe("tensors without elements that only one side stores", () => {
  const empty = (name: string): Tensor => ({ ...FIRST, name, shape: [0, 64], values: digest(name) });
  // Of other shapes, so that canonical matrices and what they do not cover are held against each other.
  const withMore = (...more: readonly Tensor[]) =>
    file({ tensors: [...MODEL.tensors, ...more.map((tensor) => ({ ...tensor, component: null }))] });

  test("are counted", () => {
    expect(same(withMore(empty("e")), other())).toEqual({ kind: "identical", everywhere: false, empty: 1 });
    expect(same(withMore(empty("e"), empty("f")), other())).toMatchObject({ empty: 2 });
  });

  test("are no matter, what has elements is", () => {
    const scale: Tensor = { ...FIRST, name: "scale", shape: [1], values: digest("scale") };
    expect(same(withMore(scale), other())).toBeNull();
    expect(same(withMore(empty("e"), scale), other())).toBeNull();
    const [matrix, ...rest] = MODEL.sketches;
    const changed = other({ sketches: [{ ...matrix!, digest: digest("another") }, ...rest] });
    expect(same(withMore(empty("e")), changed)).toBeNull();
    expect(same({ ...withMore(empty("e")), sketches: rest }, other())).toBeNull();
  });

  test("are no matter where matrices are there twice, on both sides", () => {
    const twice = { sketches: [...MODEL.sketches, MODEL.sketches[0]!] };
    const one = { ...withMore(empty("e")), ...twice };
    expect(same(one, other())).toBeNull();
    expect(same(one, other(twice))).toMatchObject({ kind: "identical", empty: 1 });
  });
});

describe("a file is another one rounded", () => {
  test("in some tensors or in all, to either type", () => {
    const of = (tensors: readonly Tensor[]) => same(file({ tensors }), other());
    const recast = { kind: "recast", narrower: "suspect" };
    expect(of([cast(FIRST), ...REST])).toEqual(recast);
    expect(of(MODEL.tensors.map((tensor) => cast(tensor, "bf16")))).toEqual(recast);
    expect(of([{ ...FIRST, values: digest("another") }, ...REST])).toBeNull();
    expect(of([cast(FIRST), { ...REST[0]!, values: digest("another") }, ...REST.slice(1)])).toBeNull();
  });

  test("but not with axes exchanged, of which no list of shapes tells", () => {
    const shaped = (...shapes: readonly (readonly number[])[]) =>
      MODEL.tensors.map((tensor, i) => ({ ...tensor, shape: shapes[i] ?? tensor.shape }));
    const exchanged = [
      [32, 64],
      [64, 32],
    ] as const;
    const [mine, theirs] = [shaped(...exchanged), shaped(...exchanged.toReversed())];
    const rounded = [cast(mine[0]!), ...mine.slice(1)];
    const partly = { ...MODEL.coverage, sketched: 2 };
    const said = (tensors: readonly Tensor[]) =>
      same(file({ tensors: rounded, coverage: partly }), other({ tensors, coverage: partly }));
    expect(said(theirs)).toBeNull();
    expect(said(mine)).toEqual({ kind: "recast", narrower: "suspect" });
    expect(said(shaped([3, 264], [64, 32]))).toBeNull();
    const renamed = theirs.map((tensor) => ({ ...tensor, name: `other.${tensor.name}` }));
    expect(said(renamed)).toEqual({ kind: "recast", narrower: "suspect" });
  });

  test("matrix by matrix where it lies otherwise, tied tables once", () => {
    const sketches = MODEL.sketches.map((s, i): MatrixSketch => (i === 0 ? { ...s, tokens: true } : s));
    const rounded = sketches.map((s, i) => (i === 1 ? { ...s, digest: { ...s.digest, f32: s.digest.f16 } } : s));
    const fused = [{ ...FIRST, shape: [192, 64] }];
    const [one, two] = [file({ sketches: rounded, tensors: fused }), other({ sketches })];
    expect(same(one, two)).toEqual({ kind: "recast", narrower: "suspect" });
    const [table] = sketches;
    expect(same({ ...one, sketches: [...rounded, table!] }, two)).toEqual({ kind: "recast", narrower: "suspect" });
    expect(same({ ...one, sketches: [...rounded, { ...table!, tokens: false }] }, two)).toBeNull();
    expect(same({ ...one, coverage: { ...MODEL.coverage, sketched: 2 } }, two)).toBeNull();
    expect(same({ ...one, sketches: [...rounded, { ...table!, tokens: false, twin: true }] }, two)).toEqual({
      kind: "recast",
      narrower: "suspect",
    });
  });
});

test("digests cover others one for one", () => {
  const [a, b] = [digest("a"), digest("b")];
  const [a16, aBrain] = [
    { ...a, f32: a.f16 },
    { ...a, f32: a.bf16 },
  ];
  expect([coversDigests([a, b], [b, a]), coversDigests([a16, b], [a, b]), coversDigests([aBrain], [a])]).toEqual([
    true,
    true,
    true,
  ]);
  expect([coversDigests([a], [a16]), coversDigests([a, b], [a]), coversDigests([a], [a, a])]).toEqual([
    false,
    false,
    false,
  ]);
  expect([coversDigests([a16, b], [a, a]), coversDigests([a16, a16], [a, a])]).toEqual([false, true]);
});

test("equal matrices are counted among those that were read and vary", () => {
  const counts = (
    mine: readonly Tensor[],
    theirs: readonly Tensor[] = MODEL.tensors,
    content: string | null = null,
  ) => {
    const { equal, compared } = equalTensors(
      file({ tensors: mine, roots: roots(content) }),
      other({ tensors: theirs, roots: roots(content) }),
    );
    return [equal, compared];
  };
  const first = (change: Partial<Tensor>) => counts([{ ...FIRST, ...change }, ...REST]);
  expect(counts(MODEL.tensors)).toEqual([3, 3]);
  expect(first({ values: digest("another") })).toEqual([2, 3]);
  expect(first({ shape: [32, 128] })).toEqual([2, 3]);
  expect(first({ shape: [6, 464] })).toEqual([2, 3]);
  expect(first({ shape: [4096] })).toEqual([2, 2]);
  expect(first({ uniform: true })).toEqual([2, 2]);
  expect(first({ values: null })).toEqual([2, 2]);
  expect(first({ dtype: "I64" })).toEqual([2, 2]);
  // A type says nothing of what was sampled, and a file of which every byte was read is held to every byte.
  expect(first({ dtype: "F16" })).toEqual([3, 3]);
  const bytes = MODEL.tensors.map((tensor) => ({ ...tensor, content: "same" }));
  const changed = [{ ...bytes[0]!, content: "another" }, ...bytes.slice(1)];
  expect(counts(bytes, bytes, "root")).toEqual([3, 3]);
  expect(counts(changed, bytes, "root")).toEqual([2, 3]);
  expect(counts(changed, bytes)).toEqual([3, 3]);
  const [full, sampled] = [file({ tensors: changed, roots: roots("root") }), other({ tensors: bytes })];
  expect([equalTensors(full, sampled).equal, equalTensors(sampled, full).equal]).toEqual([3, 3]);
});
