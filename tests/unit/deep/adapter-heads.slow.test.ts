import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import type { CanonicalTensor } from "../../../src/anatomy/anatomy.ts";
import { adapterEvidence } from "../../../src/deep/adapter-evidence.ts";
import { headSizes, valuePlaces, wholeRuns } from "../../../src/deep/adapter-labels.ts";
import { attentionOfWeights } from "../../../src/deep/attention-source.ts";
import { prng } from "../../../src/numerics/prng.ts";
import { loraAdapter } from "../../support/lora-adapter.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf, judge } from "../../support/stored-model.ts";

const HEAD = 32;

describe("an adapter that agrees with a base in what heads have in common", () => {
  const plain = randomModel({ init: 1 }, { width: 512, hidden: 64, layers: 3, vocabulary: 64 });
  const base = withMeans(plain);
  const means = loraAdapter(base, 1, { values: 4, stream: 2, roles: ["q", "k", "v"] });
  const channels = loraAdapter(plain, 2, { values: 4 });

  // Of the means alone channels agree at 0.8 where these are not taken out, and a little more is what siblings have.
  test.each([
    ["alone", 0, (log10P: number) => log10P > -1],
    ["beside a little of each channel's own", 0.11, (log10P: number) => log10P < -5],
  ])("%s: never derived", async (_, share, isExpected) => {
    const adapter = new Map(
      [...means].map(([name, tensor]) => {
        if (!name.includes("v_proj.lora_B")) return [name, tensor];
        const more = channels.get(name)!.values;
        return [name, { ...tensor, values: tensor.values.map((x, i) => x + share * more[i]!) }];
      }),
    );
    const { verdict, log10P, tests } = await judge(adapter, base, { monteCarlo: false, deep: true });
    expect(log10P).toBeLessThan(-9);
    const ofValues = tests.filter(({ axis }) => axis === "channels");
    expect(isExpected(Math.min(...ofValues.map((one) => one.log10P!)))).toBe(true);
    for (const { r } of ofValues) expect(r).toBeLessThan(0.35);
    expect(verdict).toBe("shared-init");
  });
});

describe("runs of channels of values", () => {
  const drawn = (channels: number) => valuePlaces(channels, { cols: channels } as CanonicalTensor)!;

  property.prop([fc.integer({ min: 16, max: 130 }), fc.integer({ min: 2, max: 20 })])(
    "lie in one head, whatever the size of heads",
    (size, heads) => {
      fc.pre(size * heads >= 32);
      const places = drawn(size * heads);
      const kept = wholeRuns(places, size * heads).map((i) => places[i]!);
      for (const c of kept) expect(Math.floor((c - (c % 8)) / size)).toBe(Math.floor((c - (c % 8) + 7) / size));
    },
  );

  test.each([128, 192, 512, 768, 1024, 4096])(
    "all are tested of %d channels, whose heads are multiples of 8",
    (channels) => {
      expect(wholeRuns(drawn(channels), channels)).toHaveLength(drawn(channels).length);
    },
  );

  test("sizes of heads: divisors that are multiples of four", () => {
    expect(headSizes(200)).toEqual([20, 40, 100, 200]);
    expect(headSizes(1024)).toEqual([16, 32, 64, 128, 256, 512]);
  });
});

test("heads of 100, which groups of queries share, are laid over values as they lie", async () => {
  const base = randomModel({ init: 1 }, { width: 400, hidden: 16, layers: 1, vocabulary: 16 });
  const adapter = loraAdapter(base, 1, { headSize: 100, values: 4, roles: ["v"] });
  const found = await adapterEvidence(await checkpointOf(adapter), attentionOfWeights(await checkpointOf(base)));
  if (typeof found === "string") throw new Error(found);
  expect(found.ways).toBe(4);
  for (const { r } of found.values) expect(r).toBeGreaterThan(0.4);
});

/** The same of which all columns of W_o that belong to a head have something in common. */
function withMeans(model: Model): Model {
  return new Map(
    [...model].map(([name, tensor]) => {
      if (!name.endsWith("o_proj.weight")) return [name, tensor];
      const random = prng(`means of ${name}`);
      const shift = Float32Array.from({ length: tensor.values.length / HEAD }, () => 0.03 * random.normal());
      return [name, { ...tensor, values: tensor.values.map((x, i) => x + shift[Math.floor(i / HEAD)]!) }];
    }),
  );
}
