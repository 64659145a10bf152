import { beforeAll, describe, expect, test } from "vitest";
import { takeFingerprint } from "../../../src/deep/deep-fingerprint.ts";
import { orderTest } from "../../../src/deep/order-test.ts";
import { placesOf } from "../../../src/deep/token-list.ts";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { layerCodes } from "../../../src/fingerprint/layer-codes.ts";
import type { CompareResult } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { addNoise, quantise, relayer } from "../../support/derive.ts";
import { type Disguise, obfuscate } from "../../support/obfuscate.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf, judge, subjectOf, throughFile } from "../../support/stored-model.ts";

const DIMS = { family: "llama", width: 64, hidden: 160, layers: 3, vocabulary: 320, tied: false } as const;
const SHAPE = { width: 64, hidden: 160, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 320 };
const ROTATED: Disguise = { residual: "rotation" };
const EVERYTHING: Disguise = { ...ROTATED, neuronOrder: true, neuronSigns: true, neuronScales: true, headOrder: true };

const base = randomModel({ init: 1 }, DIMS);
const stranger = randomModel({ init: 2 }, DIMS);
const tuned = quantise(addNoise(base, 0.05), 8);

async function stored(model: Model, options: { few?: boolean } = {}): Promise<Subject> {
  const fingerprint = await takeFingerprint(await checkpointOf(model), { depth: "deep", ...options });
  return { name: "stored", fingerprint: await throughFile(fingerprint), checkpoint: null, root: false };
}

let kept: Subject;
beforeAll(async () => {
  kept = await stored(base);
});

const against = (suspect: Model | Subject, other = kept): Promise<CompareResult> =>
  judge(suspect, other, { monteCarlo: false, deep: true });

describe("a fingerprint with a deep part", () => {
  test("finds a rotated copy by its weights, exactly, and no stranger", async () => {
    const found = await against(obfuscate(tuned, SHAPE, ROTATED, 7));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact", moved: ["residual-rotated"] } });
    expect(found.log10P).toBeLessThan(-100);
    const strange = await against(obfuscate(stranger, SHAPE, ROTATED, 7));
    expect(strange).toMatchObject({ verdict: "no-evidence", deep: { basis: null } });
    expect(strange.log10P).toBeGreaterThan(-3);
  });

  test("finds a copy of which every label was moved, calibrated", async () => {
    const found = await against(obfuscate(tuned, SHAPE, EVERYTHING, 7));
    expect(found).toMatchObject({ verdict: "derived", log10P: null, deep: { basis: "calibrated" } });
    expect(found.deep!.moved).toEqual(["residual-rotated", "neurons"]);
  });

  test.each([
    ["one dropped", [0, 2]],
    ["another order", [2, 0, 1]],
  ] as const)("finds layers where they are: %s", async (_, order) => {
    const found = await against(relayer(obfuscate(tuned, SHAPE, ROTATED, 7), order));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
    const strange = await against(relayer(obfuscate(stranger, SHAPE, ROTATED, 7), order));
    expect(strange.verdict).toBe("no-evidence");
  });

  test("is enough on both sides, and with the first neurons of a layer alone", async () => {
    for (const few of [false, true]) {
      const found = await against(await stored(obfuscate(tuned, SHAPE, ROTATED, 7), { few }));
      expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
      const strange = await against(await stored(obfuscate(stranger, SHAPE, ROTATED, 7), { few }));
      expect(strange.verdict).toBe("no-evidence");
    }
  });

  test("says the same whichever comes first", async () => {
    const suspect = await subjectOf(obfuscate(tuned, SHAPE, ROTATED, 7), { name: "suspect" });
    const [one, other] = [await against(suspect), await against(kept, suspect)];
    expect(other.log10P).toBe(one.log10P);
    expect(other.deep!.strength).toEqual(one.deep!.strength);
  });

  test("is not blinded by a token that nobody uses, made a thousand times as long", async () => {
    const loud = obfuscate(tuned, SHAPE, ROTATED, 7);
    const embedding = loud.get("model.embed_tokens.weight")!;
    const values = embedding.values.slice();
    const [token] = kept.fingerprint.deep!.frame.ids;
    for (let j = 0; j < DIMS.width; j++) values[token! * DIMS.width + j]! *= 1000;
    const found = await against(new Map(loud).set("model.embed_tokens.weight", { ...embedding, values }));
    expect(found).toMatchObject({ verdict: "derived", deep: { basis: "exact" } });
    expect(found.deep!.strength!.gate).toBeGreaterThan(0.6);
  });

  test("cannot be held against one without, nor against other tokens", async () => {
    const plain: Subject = {
      ...kept,
      fingerprint: withoutPart((await stored(obfuscate(tuned, SHAPE, ROTATED, 7))).fingerprint),
    };
    expect((await against(plain)).deep).toBeUndefined();
    const few = await stored(randomModel({ init: 1 }, { ...DIMS, vocabulary: 200 }));
    expect((await against(few)).deep).toBeUndefined();
  });
});

function withoutPart({ deep: _, ...rest }: Fingerprint): Fingerprint {
  return rest;
}

test("codes of tokens stay the same behind a rotation, and a stranger's are other ones", async () => {
  const distance = (one: Subject, other: Subject): number => {
    const [a, b] = [one, other].map(({ fingerprint }) => layerCodes(fingerprint).filter(({ cols }) => cols > 2 ** 31));
    expect(a!.map(({ cols }) => cols)).toEqual(b!.map(({ cols }) => cols));
    return a!.reduce(
      (sum, { code }, i) => sum + [...code].reduce((n, byte, j) => n + ones(byte ^ b![i]!.code[j]!), 0),
      0,
    );
  };
  expect(distance(kept, await stored(obfuscate(base, SHAPE, ROTATED, 7)))).toBeLessThan(100);
  expect(distance(kept, await stored(obfuscate(stranger, SHAPE, ROTATED, 7)))).toBeGreaterThan(350);
});

function ones(byte: number): number {
  return [...byte.toString(2)].filter((bit) => bit === "1").length;
}

test("too narrow a model has no deep part", async () => {
  const narrow = randomModel({ init: 1 }, { ...DIMS, width: 48, hidden: 64 });
  expect((await stored(narrow)).fingerprint.deep).toBeUndefined();
});

test("tokens are sought by text, and by id where texts lead nowhere", () => {
  const texts = Uint32Array.of(1, 1, 2, 2, 3, 3);
  const list = { ids: Uint32Array.of(4, 5, 6), texts };
  const model = (pairs: readonly (readonly [number, number])[], vocabulary = 10) => ({
    vocabulary,
    texts: new Map(pairs.map(([id, word]) => [id, [word, word] as const])),
  });
  const same = [4, 5, 6].map((id, i) => [id, i + 1] as const);
  expect([...placesOf(list, model(same))]).toEqual([4, 5, 6]);
  expect([...placesOf(list, model([1, 2, 3].map((word) => [word + 6, word] as const)))]).toEqual([7, 8, 9]);
  expect([...placesOf(list, model([[7, 1]]))]).toEqual([4, 5, 6]);
  expect([...placesOf(list, model([[7, 1]], 6))]).toEqual([-1, -1, -1]);
  expect([...placesOf({ ids: list.ids, texts: null }, model([], 6))]).toEqual([4, 5, -1]);
});

test("labels that are as near to several are in no order", () => {
  const rows = Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1);
  expect(orderTest(rows, rows, 2)).toMatchObject({ labels: 4, matched: 0, increasing: 0 });
  const apart = Float32Array.of(1, 0, 0, 1);
  expect(orderTest(apart, apart, 2)).toMatchObject({ matched: 2, increasing: 2 });
});
