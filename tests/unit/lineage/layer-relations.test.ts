import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { layerRelations } from "../../../src/lineage/relations.ts";
import { findingOf, modelOf } from "../../support/findings.ts";

const LAYERS = { "model.layers": { layers: 4 } };
const [own, other] = [modelOf(1, LAYERS), modelOf(2, LAYERS)];

describe("what layer maps say", () => {
  const [deep, shallow] = [modelOf(1, { "model.layers": { layers: 6 } }), modelOf(2, LAYERS)];
  const in6 = [0, 1, 2, 3, 4, 5];
  const map = (suspect: Fingerprint, base: Fingerprint, layers: readonly (readonly [number, number])[], more = {}) =>
    layerRelations([findingOf(suspect, base, "derived", { layers, ...more })], suspect, base);

  test("layers in place say nothing", () => {
    expect(
      map(
        own,
        other,
        [0, 1, 2, 3].map((i) => [i, i]),
      ),
    ).toEqual([]);
    expect(map(own, other, [])).toEqual([]);
  });

  test("layers in another order were reordered", () => {
    expect(
      map(own, other, [
        [0, 1],
        [1, 0],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual(["layers-reordered"]);
    // In whatever order they are told.
    expect(
      map(own, other, [
        [1, 1],
        [0, 0],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual([]);
    expect(
      map(own, other, [
        [3, 2],
        [2, 3],
        [0, 0],
        [1, 1],
      ]),
    ).toEqual(["layers-reordered"]);
  });

  test("layers that are there again, in a deeper model, were stacked", () => {
    const twice = in6.map((i) => [i, i < 4 ? i : i - 2] as const);
    expect(map(deep, shallow, twice)).toEqual(["depth-upscaled"]);
    expect(
      map(own, other, [
        [0, 0],
        [1, 0],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual([]);
    // One that lies over two is none that is there again.
    expect(
      map(own, other, [
        [0, 0],
        [0, 1],
        [2, 2],
        [3, 3],
      ]),
    ).toEqual([]);
  });

  test("fewer layers, all of them the base's, were pruned", () => {
    const kept = [
      [0, 0],
      [1, 2],
      [2, 3],
      [3, 5],
    ] as const;
    expect(map(shallow, deep, kept)).toEqual(["depth-pruned"]);
    expect(map(shallow, deep, kept.slice(0, 3))).toEqual([]);
    expect(
      map(
        shallow,
        deep,
        [...kept].map(([i, j]) => [i, 5 - j]),
      ),
    ).toEqual(["depth-pruned"]);
  });

  test("a layer counts as the base's from one in a thousand", () => {
    const [first, ...rest] = findingOf(shallow, deep, "derived", { layers: in6.slice(0, 4).map((i) => [i, i]) }).pairing
      .layers;
    const weak = (log10P: number | null) => {
      const finding = findingOf(shallow, deep, "derived", { pairing: { layers: [{ ...first!, log10P }, ...rest] } });
      return layerRelations([finding], shallow, deep);
    };
    expect([-3, -2.9, null].map(weak)).toEqual([["depth-pruned"], [], ["depth-pruned"]]);
  });

  test("of a part of a model no depth is told", () => {
    const more = modelOf(3, { "model.layers": { layers: 4 }, tower: { layers: 4 } });
    expect(
      map(
        more,
        deep,
        [0, 1, 2, 3].map((i) => [i, i]),
      ),
    ).toEqual([]);
  });

  test("one stack may have been stored as several", () => {
    const parts = modelOf(3, { a: { layers: 3 }, b: { layers: 3 } });
    const found = (layers: number) => [
      findingOf(parts, deep, "derived", {
        suspectComponent: "a",
        layers: [
          [0, 0],
          [1, 1],
          [2, 2],
        ],
      }),
      findingOf(parts, deep, "derived", {
        suspectComponent: "b",
        layers: [
          [0, 3],
          [1, 4],
          [2, 5],
        ].slice(0, layers) as [number, number][],
      }),
    ];
    expect(layerRelations(found(3), parts, deep)).toEqual([]);
    const deeper = modelOf(4, { "model.layers": { layers: 8 } });
    expect(layerRelations(found(3), parts, deeper)).toEqual(["depth-pruned"]);
    expect(layerRelations(found(2), parts, deeper)).toEqual([]);
  });

  test("of several parts one that is in another order, or there again, is enough", () => {
    const parts = modelOf(3, { a: { layers: 3 }, b: { layers: 3 } });
    type Map3 = readonly (readonly [number, number])[];
    const found = (base: Fingerprint, a: Map3, b: Map3) =>
      layerRelations(
        [
          findingOf(parts, base, "derived", { suspectComponent: "a", layers: a }),
          findingOf(parts, base, "derived", { suspectComponent: "b", layers: b }),
        ],
        parts,
        base,
      );
    const start = [0, 1, 2].map((i) => [i, i] as const);
    const end = [0, 1, 2].map((i) => [i, i + 3] as const);
    expect(found(deep, start, end)).toEqual([]);
    expect(
      found(
        deep,
        start,
        end.map(([i, j]) => [i, 8 - j]),
      ),
    ).toEqual(["layers-reordered"]);
    const again = [
      [0, 0],
      [1, 0],
      [2, 1],
    ] as const;
    expect(
      found(modelOf(4, { "model.layers": { layers: 5 } }), again, [
        [0, 2],
        [1, 3],
        [2, 4],
      ]),
    ).toEqual(["depth-upscaled"]);
  });

  test("each stack has a depth of its own, and what content chose has none", () => {
    const [two, base] = [
      modelOf(3, { a: { layers: 4 }, b: { layers: 4 } }),
      modelOf(4, { a: { layers: 6 }, b: { layers: 4 } }),
    ];
    const [a, b] = ["a", "b"].map((component) => findingOf(two, base, "derived", { component }));
    expect(layerRelations([a!, b!], two, base)).toEqual(["depth-pruned"]);
    const chosen = { component: "a", suspectComponent: "b", pairing: { layers: [], isChosen: true } };
    expect(layerRelations([a!, findingOf(two, base, "derived", chosen)], two, base)).toEqual(["depth-pruned"]);
  });

  test("silence and unknown stacks say nothing", () => {
    const kept = {
      layers: [
        [0, 1],
        [1, 0],
      ],
    } as const;
    for (const verdict of ["no-evidence", "not-testable"] as const) {
      expect(layerRelations([findingOf(own, other, verdict, kept)], own, other)).toEqual([]);
    }
    expect(layerRelations([findingOf(own, other, "derived", kept)], own, modelOf(3, { x: { layers: 1 } }))).toEqual([]);
    expect(layerRelations([findingOf(own, other, "derived", kept)], modelOf(3, { x: { layers: 1 } }), other)).toEqual(
      [],
    );
  });
});
