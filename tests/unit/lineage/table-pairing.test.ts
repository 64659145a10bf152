import { expect, test } from "vitest";
import type { MatrixSketch } from "../../../src/fingerprint/fingerprint.ts";
import { EMBEDDINGS } from "../../../src/lineage/result.ts";
import { tablePairing } from "../../../src/lineage/table-pairing.ts";
import { fingerprintOf, matrixPairs } from "../../support/sketches.ts";

const table = { tokens: true, component: EMBEDDINGS, layer: -1 } as const;
/** Tables of both models, the suspect's the base's with noise. */
const tables = (roles: readonly MatrixSketch["role"][], change: Partial<MatrixSketch> = {}) =>
  matrixPairs(1, roles.length, roles.length, { ...table, ...change }).map(({ suspect, base }, i) => ({
    suspect: { ...suspect, role: roles[i]! },
    base: { ...base, role: roles[i]! },
  }));
const paired = (suspect: readonly MatrixSketch[], base: readonly MatrixSketch[]) => {
  const { pairs, log10Tried, component, suspectComponent, layers } = tablePairing(
    fingerprintOf(suspect),
    fingerprintOf(base),
  );
  expect([component, suspectComponent, layers]).toEqual([EMBEDDINGS, EMBEDDINGS, []]);
  return { places: pairs.map((pair) => [suspect.indexOf(pair.suspect), base.indexOf(pair.base)]), log10Tried };
};

test("tables are paired by what they are, at no cost", () => {
  const [embed, head] = tables(["embed", "head"]) as [ReturnType<typeof tables>[0], ReturnType<typeof tables>[0]];
  expect(paired([head!.suspect, embed!.suspect], [embed!.base, head!.base])).toEqual({
    places: [
      [1, 0],
      [0, 1],
    ],
    log10Tried: 0,
  });
});

test("a role decides before agreement does, where both know it", () => {
  const [one, two] = tables(["embed", "head"]);
  const exchanged = [
    { ...one!.suspect, role: "head" as const },
    { ...two!.suspect, role: "embed" as const },
  ];
  expect(paired(exchanged, [one!.base, two!.base]).places).toEqual([
    [1, 0],
    [0, 1],
  ]);
  const unknown = { ...one!.base, role: "unknown" as const };
  const { places, log10Tried } = paired([one!.suspect, { ...two!.suspect, role: "unknown" }], [unknown]);
  expect(places).toEqual([[0, 0]]);
  expect(log10Tried).toBeCloseTo(Math.log10(2), 12);
});

test("tables of which nothing is known are paired by agreement, among all that are left", () => {
  const [one, two, three] = tables(["unknown", "unknown", "unknown"]);
  const { places, log10Tried } = paired(
    [two!.suspect, three!.suspect, one!.suspect],
    [one!.base, two!.base, three!.base],
  );
  expect(places).toEqual([
    [2, 0],
    [0, 1],
    [1, 2],
  ]);
  expect(log10Tried).toBeCloseTo(Math.log10(3 * 2 * 1), 12);
  const [embeds, others] = [tables(["embed", "embed"]), matrixPairs(20, 1, 1, table)];
  expect(paired([embeds[1]!.suspect, embeds[0]!.suspect], [embeds[0]!.base, others[0]!.base]).places[0]).toEqual([
    1, 0,
  ]);
});

test("only tables of tokens are, of one width, and of rows enough", () => {
  const [pair] = tables(["embed"]);
  const { suspect, base } = pair!;
  const alone = (change: Partial<MatrixSketch>) => paired([{ ...suspect, ...change }], [base]).places.length;
  expect([alone({}), alone({ tokens: false }), alone({ cols: 32 }), alone({ rows: 32 }), alone({ rows: 31 })]).toEqual([
    1, 0, 0, 1, 0,
  ]);
  expect(paired([], [base])).toEqual({ places: [], log10Tried: 0 });
});

test("a table that is stored again adds nothing", () => {
  const [pair] = tables(["embed"]);
  const { suspect, base } = pair!;
  const tied = { ...base, role: "head" as const };
  const { places } = paired([suspect, { ...suspect, role: "head" }], [base, tied]);
  expect(places).toEqual([[0, 0]]);
});

test("the largest come first", () => {
  const [one, two] = tables(["unknown", "unknown"]);
  const large = (sketch: MatrixSketch) => ({ ...sketch, rows: 128 });
  const { places } = paired([one!.suspect, large(two!.suspect)], [one!.base, large(two!.base)]);
  expect(places.map(([, base]) => base)).toEqual([1, 0]);
});
