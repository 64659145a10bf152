import { expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { hasOneNorm, isConstant, withoutConstants } from "../../../src/lineage/constant-matrix.ts";
import type { Pairing } from "../../../src/lineage/pairing.ts";
import type { StackMatch } from "../../../src/lineage/stack-match.ts";
import { matrixPairs } from "../../support/sketches.ts";

const looking = (rowNormSpread: number, distinct: number) =>
  ({ moments: { rowNormSpread, distinct }, cols: 50 }) as unknown as MatrixSketch;

test("rows of one norm, or a few sizes, are constants of mathematics", () => {
  // Rows of 50 normal values have norms that spread by a tenth of their size.
  expect([0.0099, 0.0101].map((spread) => hasOneNorm(looking(spread, 1)))).toEqual([true, false]);
  expect([0.0099, 0.0101].map((spread) => isConstant(looking(spread, 1)))).toEqual([true, false]);
  expect([0.49, 0.5].map((distinct) => isConstant(looking(0.1, distinct)))).toEqual([true, false]);
});

test("a basis that both models store in every layer is no evidence, what one stores once is", () => {
  const pairs = matrixPairs(1, 4, 0);
  const same = pairs.map(({ suspect }, i) => ({ suspect, base: { ...suspect, layer: i } }));
  const stored = same.map(({ suspect, base }) => {
    const digest = same[0]!.suspect.digest;
    return { suspect: { ...suspect, digest }, base: { ...base, digest } };
  });
  const asked = (of: typeof pairs) => {
    const sides = { suspect: { sketches: of.map((p) => p.suspect) }, base: { sketches: of.map((p) => p.base) } };
    const pairing = { pairs: of } as unknown as Pairing;
    return [pairing, withoutConstants(pairing, sides as unknown as StackMatch)] as const;
  };
  const [plain, kept] = asked(same);
  expect(kept).toBe(plain);
  expect(asked(pairs)[1].pairs).toHaveLength(4);
  expect(asked(stored)[1].pairs).toEqual([]);
  const [first, ...others] = stored;
  const once = [first!, ...others.map(({ suspect }, i) => ({ suspect, base: pairs[i]!.base }))];
  expect(asked(once)[1].pairs).toHaveLength(4);
});
