import { expect, test } from "vitest";
import type { Role } from "../../../src/anatomy/anatomy.ts";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import { isOfNetwork } from "../../../src/lineage/network.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { matrixPairs } from "../../support/sketches.ts";

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
