import { describe, expect, test } from "vitest";
import { prng } from "../../../src/numerics/prng.ts";
import { loraAdapter } from "../../support/lora-adapter.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { judge } from "../../support/stored-model.ts";

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
