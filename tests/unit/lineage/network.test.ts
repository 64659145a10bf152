import { expect, test } from "vitest";
import type { Role } from "../../../src/anatomy/anatomy.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import { areKernels, isNetwork, isOfNetwork } from "../../../src/lineage/network.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { fingerprintOf, matrixPairs } from "../../support/sketches.ts";

const ATTENTION: readonly Role[] = ["q", "k", "v", "o", "up", "down"];
const nothing = randomFingerprint({ seed: 1, layers: 0 });

function ofStack(component: string, roles: readonly Role[]): MatrixPair[] {
  return matrixPairs(1, roles.length, roles.length, {}, 0.1, 64).map(({ suspect, base }, i) => ({
    suspect: { ...suspect, component, role: roles[i]! },
    base: { ...base, component, role: roles[i]! },
  }));
}

const chosen = (...pairs: readonly MatrixPair[][]): boolean =>
  isOfNetwork(nothing, nothing, {
    component: "matrices",
    suspectComponent: "matrices",
    pairs: pairs.flat(),
    layers: [],
    log10Tried: 0,
    isChosen: true,
  });

const convolutions = (count: number): MatrixPair[] =>
  ofStack(
    "stages",
    Array.from({ length: count }, () => "conv"),
  );

test("what content paired is of a network where all of its large stacks are", () => {
  expect(chosen(ofStack("layers", ATTENTION))).toBe(true);
  expect(chosen(ofStack("layers", ATTENTION), convolutions(1))).toBe(true);
  expect(chosen(ofStack("layers", ATTENTION), convolutions(6))).toBe(false);
  expect(chosen(convolutions(6))).toBe(false);
});

test("a network is all of attention and what lies behind it, by the names of either model", () => {
  const pairs = ofStack("layers", ATTENTION);
  const fused = ofStack("layers", ["qkv", "o", "up", "down"]);
  expect([isNetwork({ pairs }), isNetwork({ pairs: fused })]).toEqual([true, true]);
  for (const role of ATTENTION) {
    const rest = pairs.filter(({ base }) => base.role !== role);
    expect(isNetwork({ pairs: rest }), role).toBe(false);
  }
  for (const role of ["qkv", "o", "up", "down"]) {
    expect(isNetwork({ pairs: fused.filter(({ base }) => base.role !== role) }), role).toBe(false);
  }
  const unnamed = pairs.map(({ suspect, base }) => ({ suspect: { ...suspect, role: "unknown" as const }, base }));
  expect(isNetwork({ pairs: unnamed })).toBe(true);
  expect(isNetwork({ pairs: unnamed.map(({ suspect, base }) => ({ suspect: base, base: suspect })) })).toBe(true);
});

test("a stack that was tested by a part of its matrices is of a network where either model's is", () => {
  const pairs = ofStack("layers", ATTENTION);
  const [part, whole] = [pairs.slice(0, 2), fingerprintOf(pairs.map(({ base }) => base))];
  const other = fingerprintOf(convolutions(3).map(({ base }) => base));
  const pairing = { pairs: part, layers: [], log10Tried: 0 };
  const layers = { ...pairing, component: "layers", suspectComponent: "layers" };
  expect(isOfNetwork(whole, whole, layers)).toBe(true);
  expect(isOfNetwork(other, whole, { ...layers, suspectComponent: "stages" })).toBe(true);
  expect(isOfNetwork(whole, other, { ...layers, component: "stages" })).toBe(true);
  expect(isOfNetwork(other, other, { ...layers, suspectComponent: "stages", component: "stages" })).toBe(false);
  expect(isOfNetwork(nothing, nothing, layers)).toBe(false);
});

test("kernels are most of the matrices, and a quarter of all have several places", () => {
  const kernels = convolutions(8);
  const model = fingerprintOf(kernels.map(({ base }) => base));
  const { rows, cols } = kernels[0]!.base;
  /** The first `count` matrices as kernels of `places` places; the others of a shape that none of these have. */
  const areOf = (count: number, shape: readonly number[], pairs = kernels) => {
    const lay = ({ suspect, base }: MatrixPair, i: number): MatrixPair =>
      i < count ? { suspect, base } : { suspect, base: { ...base, rows: rows + 1 } };
    const tensors = model.tensors.map((tensor) => ({ ...tensor, shape }));
    return areKernels({ ...model, tensors }, pairs.map(lay));
  };
  expect(areOf(8, [rows / 4, cols, 2, 2])).toBe(true);
  expect([areOf(2, [rows / 4, cols, 2, 2]), areOf(1, [rows / 4, cols, 2, 2])]).toEqual([true, false]);
  expect(areOf(8, [rows, cols, 1, 1])).toBe(false);
  expect(areOf(8, [rows, cols])).toBe(false);
  const half = kernels.map((pair, i) => (i % 2 === 0 ? pair : ofStack("stages", ["up"])[0]!));
  expect(areOf(8, [rows / 4, cols, 2, 2], half)).toBe(false);
  expect(areOf(8, [rows / 4, cols, 2, 2], [...half, kernels[1]!])).toBe(true);
});
