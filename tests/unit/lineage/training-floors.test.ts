import { describe, expect, test } from "vitest";
import type { Retention } from "../../../src/lineage/learned-retention.ts";
import type { LearnedRetention } from "../../../src/lineage/result.ts";
import { lacksStart, sharesTraining } from "../../../src/lineage/shares-training.ts";

describe("the floors of a shared training", () => {
  type Side = Partial<LearnedRetention>;
  const whole: LearnedRetention = { share: 1, error: 0, bulk: 1, spread: 0, directions: 12, slices: 16 };
  const shares = (one: Side, other: Side, outstanding: Retention["outstanding"] = null) => {
    const [forward, backward] = [
      { ...whole, ...one },
      { ...whole, ...other },
    ];
    const found = sharesTraining({ forward, backward, outstanding }, true);
    expect(sharesTraining({ forward: backward, backward: forward, outstanding }, true)).toBe(found);
    return found;
  };

  type Floor = readonly [name: string, within: readonly [Side, Side], beyond: readonly [Side, Side]];
  const floors = (cases: readonly Floor[]) =>
    test.each(cases)("%s", (_, within, beyond) => {
      expect(shares(...within)).toBe(true);
      expect(shares(...beyond)).toBe(false);
    });

  describe("that is whole", () => {
    const back: Side = { share: 0.62, bulk: 0.9 };
    const [decayed, little] = [
      { share: 0.55, bulk: 0.85 },
      { share: 0.5, bulk: 0.8 },
    ];
    const tail: Side = { share: 0.9, bulk: 0.9 };
    floors([
      ["L itself", [{ share: 0.87, bulk: 0.9 }, back], [{ share: 0.869, bulk: 0.9 }, back]],
      ["L over b", [{ share: 0.881, bulk: 1.1 }, little], [{ share: 0.879, bulk: 1.1 }, little]],
      [
        "no more of a training than there is",
        [{ share: 1.1, bulk: 1.05 }, decayed],
        [{ share: 1.11, bulk: 1.05 }, decayed],
      ],
      ["no more of a start than there is", [{ share: 0.95, bulk: 1.1 }, little], [{ share: 0.95, bulk: 1.11 }, little]],
      ["L over b the other way round", [tail, { share: 0.541, bulk: 0.9 }], [tail, { share: 0.539, bulk: 0.9 }]],
      ["directions of the other", [tail, { ...back, directions: 5 }], [tail, { ...back, directions: 4.9 }]],
      [
        "as much of either training as of the start",
        [
          { share: 0.918, bulk: 0.95 },
          { share: 0.917, bulk: 0.95 },
        ],
        [
          { share: 0.918, bulk: 0.95 },
          { share: 0.916, bulk: 0.95 },
        ],
      ],
    ]);
  });

  test("is all of either, where one of both shows few directions", () => {
    const few = { directions: 4.9 };
    expect(shares({ share: 0.96 }, { ...few, share: 0.95 })).toBe(true);
    expect(shares({ share: 0.96 }, { ...few, share: 0.949 })).toBe(false);
    expect(shares({ share: 0.949 }, { ...few, share: 0.96 })).toBe(false);
    expect(shares({ share: 0.96 }, { share: 0.95, directions: 2 })).toBe(false);
  });

  test("are held against nothing where there is no start", () => {
    for (const bulk of [0, -0.5]) expect(shares({ share: 0.9, bulk }, { share: 0.9, bulk: 0.9 })).toBe(false);
  });

  describe("that is a large share", () => {
    // Asked one way round: too few slices are told of the other to ask.
    const few: Side = { slices: 5 };
    const [most, even] = [
      { share: 0.7, bulk: 0.72 },
      { ...few, share: 0.68, bulk: 0.7 },
    ];
    test("is found though either training is less than alike", () => {
      expect(shares(most, { share: 0.63, bulk: 0.7 })).toBe(true);
    });
    floors([
      ["the start has not decayed", [most, { share: 1.2, bulk: 1.25 }], [most, { share: 1.2, bulk: 1.26 }]],
      [
        "the start is there in one of both",
        [
          { share: 0.45, bulk: 0.45 },
          { share: 0.42, bulk: 0.44 },
        ],
        [
          { share: 0.44, bulk: 0.44 },
          { share: 0.42, bulk: 0.44 },
        ],
      ],
      ["L over b", [{ share: 0.67, bulk: 0.72 }, even], [{ share: 0.669, bulk: 0.72 }, even]],
      ["no more than that", [{ share: 0.75, bulk: 0.6 }, even], [{ share: 0.76, bulk: 0.6 }, even]],
      [
        "both ways together",
        [
          { share: 0.6912, bulk: 0.72 },
          { ...few, share: 0.592, bulk: 0.7 },
        ],
        [
          { share: 0.6912, bulk: 0.72 },
          { ...few, share: 0.588, bulk: 0.7 },
        ],
      ],
      ["evenly", [{ ...most, spread: 0.216 }, even], [{ ...most, spread: 0.217 }, even]],
    ]);
  });

  describe("that is a small share", () => {
    const one: Side = { share: 0.3, bulk: 0.3 };
    const other: Side = { share: 0.1, bulk: 0.8 };
    // In a merge with a stranger L is b everywhere; here it is not.
    const uneven: Side = { ...one, spread: 0.04 };
    const part: Side = { share: 0.4, bulk: 0.4 };
    const faint: Side = { share: 0.05, bulk: 0.8 };
    floors([
      ["little of a start", [{ share: 0.44, bulk: 0.44 }, other], [{ share: 0.46, bulk: 0.46 }, other]],
      ["a training of the other's own", [one, other], [one, { ...other, directions: 2 }]],
      ["evenly", [{ ...one, spread: 0.08 }, other], [{ ...one, spread: 0.1 }, other]],
      ["no decay", [one, { ...other, bulk: 1.25 }], [one, { ...other, bulk: 1.26 }]],
      ["more of the start back", [one, { share: 0.05, bulk: 0.241 }], [one, { share: 0.05, bulk: 0.239 }]],
      ["back evenly as well", [one, { ...other, spread: 0.48 }], [one, { ...other, spread: 0.49 }]],
      ["hardly anything back", [uneven, { ...other, share: 0.19 }], [uneven, { ...other, share: 0.2 }]],
      ["or of a merge no more than its start", [one, { ...other, share: 0.48 }], [one, { ...other, share: 0.5 }]],
      [
        "of a merge, where L is b and is not only by its error",
        [
          { share: 0.3, bulk: 0.3, error: 0.005 },
          { ...other, share: 0.2 },
        ],
        [
          { share: 0.32, bulk: 0.3, error: 0.01 },
          { ...other, share: 0.2 },
        ],
      ],
      [
        "a merge is as small as strangers make it",
        [part, { share: 0.3, bulk: 0.62 }],
        [part, { share: 0.3, bulk: 0.61 }],
      ],
      ["back without doubt", [one, { ...other, error: 0.033 }], [one, { ...other, error: 0.034 }]],
      ["L over b near one", [{ share: 0.271, bulk: 0.3 }, other], [{ share: 0.269, bulk: 0.3 }, other]],
      ["or less, of very little", [{ share: 0.07, bulk: 0.09 }, faint], [{ share: 0.06, bulk: 0.09 }, faint]],
      ["and of no more than that", [{ share: 0.07, bulk: 0.091 }, faint], [{ share: 0.07, bulk: 0.0925 }, faint]],
      ["no more than that", [{ share: 0.37, bulk: 0.3 }, other], [{ share: 0.38, bulk: 0.3 }, other]],
      [
        "little of a start in both",
        [
          { share: 0.44, bulk: 0.44 },
          { share: 0.1, bulk: 1.1 },
        ],
        [
          { share: 0.44, bulk: 0.44 },
          { share: 0.1, bulk: 1.12 },
        ],
      ],
      [
        "something",
        [
          { share: 0.05, bulk: 0.05 },
          { share: 0.01, bulk: 0.8 },
        ],
        [
          { share: 0.049, bulk: 0.05 },
          { share: 0.01, bulk: 0.8 },
        ],
      ],
    ]);
  });

  test("are not asked where the start is told unevenly both ways round, of trainings that show", () => {
    const side = { share: 0.98, bulk: 0.99 };
    expect(shares({ ...side, spread: 0.217 }, { ...side, spread: 0.217 })).toBe(true);
    expect(shares({ ...side, spread: 0.22 }, { ...side, spread: 0.22 })).toBe(false);
    expect(shares({ ...side, spread: 0.22 }, side)).toBe(true);
    expect(shares({ ...side, spread: 0.25 }, { ...side, spread: 0.25, directions: 2 })).toBe(true);
  });

  test("are not asked where slices with most directions find a training better than the start", () => {
    const of = (share: number, directions: number) => {
      const side = { ...whole, share, directions };
      return shares({}, {}, { forward: side, backward: side });
    };
    expect([of(1.08, 12), of(1.081, 12), of(1.081, 3), of(1.081, 2.9)]).toEqual([true, false, false, true]);
    const [plain, better] = [whole, { ...whole, share: 1.2 }];
    expect(shares({}, {}, { forward: plain, backward: better })).toBe(true);
  });

  test("a start explains what both hold up to so many times as much", () => {
    const lacks = (forward: number, backward: number) =>
      lacksStart(
        { forward: { ...whole, share: forward }, backward: { ...whole, share: backward }, outstanding: null },
        3,
      );
    expect([lacks(3.1, 3.1), lacks(3, 3.1), lacks(3.1, 3), lacks(2, 3.1), lacks(3.1, 2)]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
