import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/checkpoint/checkpoint.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import type { CompareResult } from "../../../src/lineage/result.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { type Prng, prng } from "../../../src/numerics/prng.ts";
import { addNoise, metaNames, relayer, rename, reorderTensors, scramble } from "../../support/derive.ts";
import { type Disguise, type LlamaShape, obfuscate } from "../../support/obfuscate.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { judge, savedCheckpoint, subjectOf } from "../../support/stored-model.ts";

const SHAPE: LlamaShape = { width: 96, hidden: 160, heads: 6, kvHeads: 3, headSize: 16, vocabulary: 320 };
const MODEL = { width: SHAPE.width, hidden: SHAPE.hidden, layers: 3, vocabulary: SHAPE.vocabulary };
const model = randomModel({ init: 1 }, MODEL);
let base: Subject;
let stranger: Subject;
beforeAll(async () => {
  base = await subjectOf(model, { name: "base", root: true });
  stranger = await subjectOf(randomModel({ init: 2 }, MODEL));
});

describe("an exact copy is identical, and said to be no more than was read", () => {
  const root = scratchDirectory();
  let count = 0;
  const atDepth = async (m: Model, depth: "sampled" | "full", name: string): Promise<Subject> => {
    const checkpoint: Checkpoint = await savedCheckpoint(m, join(root, `${count++}`));
    const fingerprint = await fingerprintCheckpoint(checkpoint, { depth, threads: 0 });
    await checkpoint.close();
    return { name, fingerprint, checkpoint: null, root: name === "base" };
  };
  const named: [string, (m: Model) => Model][] = [
    ["its own names", (m) => m],
    ["other systematic names", (m) => rename(m, metaNames)],
    ["names that say nothing", (m) => scramble(m, 3)],
    ["tensors in another order", (m) => reorderTensors(m, 4)],
  ];

  test.each(named)("with %s, at every depth", async (_, edit) => {
    const sides = { suspect: edit(model), base: model };
    for (const depths of [
      ["full", "full"],
      ["full", "sampled"],
      ["sampled", "full"],
      ["sampled", "sampled"],
    ] as const) {
      const suspect = await atDepth(sides.suspect, depths[0], "suspect");
      const result = await judge(suspect, await atDepth(sides.base, depths[1], "base"));
      expect(result).toMatchObject({ verdict: "identical", direction: "suspect-from-base" });
      if (depths.every((depth) => depth === "full")) {
        expect(result.summary).toBe("suspect holds the same weights as base.");
        expect(result.relations).toEqual(["copy"]);
      } else {
        expect(result.summary).toBe("suspect is equal to base wherever sampled.");
        expect(result.relations).not.toContain("copy");
        expect(result.caveats.join()).toMatch(/use `depth: full` on both/);
      }
    }
  });

  test("with its layers in another order, which is said, and where each of them lies", async () => {
    const order = [2, 0, 1];
    for (const depth of ["full", "sampled"] as const) {
      const [suspect, there] = [
        await atDepth(relayer(model, order), depth, "suspect"),
        await atDepth(model, depth, "base"),
      ];
      const result = await judge(suspect, there);
      expect(result).toMatchObject({ verdict: "identical", relations: ["layers-reordered"] });
      expect(result.layers.map((l) => [l.suspect, l.base])).toEqual(order.map((old, i) => [i, old]));
      const back = await judge(there, suspect);
      expect(back).toMatchObject({ verdict: "identical", relations: ["layers-reordered"] });
      expect(back.layers.map((l) => [l.base, l.suspect])).toEqual([
        [1, 0],
        [2, 1],
        [0, 2],
      ]);
    }
  });

  test("and a value that no sample reads is no difference there, and one at depth full", async () => {
    const name = "model.embed_tokens.weight";
    const tensor = model.get(name)!;
    // Token 100 is neither sketched, nor sliced, nor in a window of what is digested.
    const values = tensor.values.map((x, i) => (i === 100 * SHAPE.width + 7 ? 1.5 * x : x));
    const touched = new Map(model).set(name, { ...tensor, values });
    const at = async (depth: "sampled" | "full") =>
      judge(await atDepth(touched, depth, "suspect"), await atDepth(model, depth, "base"));
    expect(await at("sampled")).toMatchObject({ verdict: "identical", relations: [] });
    const full = await at("full");
    expect(full).toMatchObject({ verdict: "derived", direction: "suspect-from-base" });
    expect(full.relations).not.toContain("copy");
  });
});

describe("signs that were turned at no cost to the network", () => {
  const noisy = addNoise(model, 0.2);
  /** Rows of these matrices turned by coins; what they feed is left, as a mark of signs would not. */
  const turnRows = (m: Model, pattern: RegExp): Model =>
    edited(m, pattern, (random, { shape, values }) => {
      const [rows, cols] = shape as [number, number];
      const coins = Array.from({ length: rows }, () => (random.below(2) === 0 ? 1 : -1));
      return values.map((x, i) => x * coins[Math.floor(i / cols)]!);
    });
  /** Dimensions of the residual stream turned: columns of what reads it, rows of what writes it. */
  const turnStream = (m: Model): Model => {
    const random = prng("stream");
    const coins = Array.from({ length: SHAPE.width }, () => (random.below(2) === 0 ? 1 : -1));
    const readers = edited(m, /embed_tokens|lm_head|[qkv]_proj|gate_proj|up_proj/, (_, { values }) =>
      values.map((x, i) => x * coins[i % SHAPE.width]!),
    );
    return edited(readers, /o_proj|down_proj/, (_, { shape, values }) =>
      values.map((x, i) => x * coins[Math.floor(i / shape[1]!)]!),
    );
  };
  const disguised = (disguise: Disguise) => (m: Model) => obfuscate(m, SHAPE, disguise, 5);
  const turned: [string, (m: Model) => Model][] = [
    ["rows of queries and keys by planes", disguised({ keys: "signs" })],
    ["rows of values with columns of what reads them", disguised({ values: "signs" })],
    ["rows of up with columns of down", disguised({ neuronSigns: true })],
    ["all of these", disguised({ keys: "signs", values: "signs", neuronSigns: true })],
    ["every row of q, k, v, gate and up by a coin", (m) => turnRows(m, /[qkv]_proj|gate_proj|up_proj/)],
    ["the residual stream", turnStream],
    [
      "the residual stream and all of these",
      (m) => turnStream(disguised({ keys: "signs", values: "signs", neuronSigns: true })(m)),
    ],
  ];

  let plain: CompareResult;
  beforeAll(async () => {
    plain = await judge(noisy, base);
  });

  test.each(turned)("%s", async (_, turn) => {
    const expected = plain.components.find((c) => c.component === "model.layers")!;
    const suspect = await subjectOf(turn(noisy), { name: "suspect" });
    for (const result of [await judge(suspect, base), await judge(base, suspect)]) {
      expect(result.verdict).toBe("derived");
      expect(result.log10P).toBeLessThan(-20);
      const found = result.components.find((c) => c.component === "model.layers")!;
      expect(Math.abs(found.r! - expected.r!)).toBeLessThan(0.1);
      expect(Math.abs(found.learned!.baseInSuspect.share - expected.learned!.baseInSuspect.share)).toBeLessThan(0.1);
    }
    expect((await judge(suspect, stranger)).verdict).toBe("no-evidence");
  });

  test("turned in a sibling it stays a sibling", async () => {
    const sibling = randomModel({ init: 1, training: 9 }, MODEL);
    const all = turnStream(disguised({ keys: "signs", values: "signs", neuronSigns: true })(sibling));
    for (const suspect of [sibling, turnRows(sibling, /[qkv]_proj|gate_proj|up_proj/), all]) {
      const result = await judge(suspect, base);
      expect(result.relations).toEqual([]);
      // With all turned, half of 96 labels are too few to find the other half's signs by.
      expect(result.verdict).toMatch(suspect === all ? /shared-init|no-evidence/ : /shared-init/);
    }
  });

  test("turned in a stranger it stays a stranger, whatever is turned", async () => {
    for (const [, turn] of turned.slice(3)) {
      const suspect = turn(randomModel({ init: 3 }, MODEL));
      expect((await judge(suspect, base)).verdict).toBe("no-evidence");
    }
  });
});

function edited(m: Model, pattern: RegExp, edit: (random: Prng, tensor: ModelTensor) => Float32Array): Model {
  return new Map(
    [...m].map(([name, t]) => [
      name,
      pattern.test(name) && t.shape.length === 2 ? { ...t, values: edit(prng(`turned ${name}`), t) } : t,
    ]),
  );
}
