import { beforeAll, expect, test } from "vitest";
import type { Subject } from "../../src/lineage/subject.ts";
import { addNoise } from "./derive.ts";
import { type ModelShape, randomModel } from "./random-model.ts";
import { judge, subjectOf } from "./stored-model.ts";
import { turnAxes } from "./turn-axes.ts";

export const LINEARS = /_proj|\.w[123]\.|moe\.gate|query_key_value|dense|fc[12]/;
export const TABLES = /embed|lm_head/;
export const SIZE = { width: 96, hidden: 160, layers: 3, vocabulary: 320 };

/** Linears of a family stored as [in, out] under names that promise [out, in]. */
export function turnedFamily(family: NonNullable<ModelShape["family"]>): void {
  const shape = { ...SIZE, family };
  const model = randomModel({ init: 1 }, shape);
  const turns = { linears: LINEARS, "linears and tables": new RegExp(`${LINEARS.source}|${TABLES.source}`) };
  let base: Subject;
  beforeAll(async () => {
    base = await subjectOf(model, { name: "base", root: true });
  });

  test.each(Object.entries(turns))(
    "%s: a copy is identical, a child derived, whichever is turned",
    async (_, which) => {
      for (const [child, verdict] of [
        [model, "identical"],
        [addNoise(model, 0.2), "derived"],
      ] as const) {
        const plain = await judge(child, base);
        for (const [suspect, there] of [
          [turnAxes(child, which), base],
          [child, await subjectOf(turnAxes(model, which), { name: "base", root: true })],
          [turnAxes(child, which), await subjectOf(turnAxes(model, LINEARS), { name: "base", root: true })],
        ] as const) {
          const result = await judge(suspect, there);
          expect(result).toMatchObject({ verdict, direction: plain.direction });
          // Which of the two is tested as the base depends on how they are stored, and the last digits on that.
          expect(Math.abs(result.log10P! - plain.log10P!)).toBeLessThan(5);
          for (const [i, { component, r }] of plain.components.entries()) {
            expect(result.components[i]).toMatchObject({ component });
            expect(Math.abs(result.components[i]!.r! - r!)).toBeLessThan(0.01);
          }
          expect((await judge(there, { ...(await subjectOf(suspect)), name: "suspect" })).verdict).toBe(verdict);
        }
      }
    },
  );

  test("of strangers says nothing", async () => {
    const stranger = turnAxes(randomModel({ init: 2 }, shape), LINEARS);
    expect((await judge(stranger, base)).verdict).toBe("no-evidence");
    expect((await judge(stranger, turnAxes(model, LINEARS))).verdict).toBe("no-evidence");
  });
}
