import { expect, test } from "vitest";
import type { MatrixPair } from "../../../src/lineage/matrix-pair.ts";
import type { Pairing } from "../../../src/lineage/pairing.ts";
import { judgeTables } from "../../../src/lineage/table-verdict.ts";
import { matrixPairs } from "../../support/sketches.ts";

const [one, other] = matrixPairs(1, 2, 0) as [MatrixPair, MatrixPair];
const same = ({ suspect }: MatrixPair): MatrixPair => ({ suspect, base: { ...suspect } });
/** The suspect's is the base's, rounded. */
const rounded = ({ suspect, base }: MatrixPair): MatrixPair => ({
  suspect: { ...suspect, digest: { ...suspect.digest, f32: base.digest.bf16 } },
  base,
});

function judged(pairs: readonly MatrixPair[], log10P: number | null = null, rejected = false) {
  return judgeTables({ pairs } as unknown as Pairing, log10P, rejected, (verdict, reason) => [verdict, reason]);
}

test("tables that are equal are the same, and recast where some of those were rounded", () => {
  expect(judged([same(one)])).toEqual(["identical", "the table is the same wherever sampled"]);
  expect(judged([rounded(one)])).toEqual(["recast", "the table is the same wherever sampled"]);
  expect(judged([rounded(one), same(other)])).toEqual(["recast", "the table is the same wherever sampled"]);
});

test("how many of several are the same is said, whatever the test of the others says", () => {
  const found = ["identical", "1 of 2 tables are the same wherever sampled"];
  expect(judged([same(one), other])).toEqual(found);
  expect(judged([same(one), other], -50, true)).toEqual(found);
});

test("tables that only agree decide nothing", () => {
  const [verdict, reason] = judged([one], -50, true);
  expect(verdict).toBe("not-testable");
  expect(reason).toMatch(/^tables agree column by column/);
  expect(judged([one], -2, false)).toEqual(["no-evidence", null]);
  expect(judged([one], null)).toEqual(["not-testable", "no table can be compared"]);
  expect(judged([])).toEqual(["not-testable", "no table can be compared"]);
});
