import { describe, expect, test } from "vitest";
import { type DeepModel, deepModel } from "../../../src/deep/deep-model.ts";
import { partEvidence } from "../../../src/deep/part-evidence.ts";
import { frameImage } from "../../../src/deep/stream-image.ts";
import { counterpart, takeDeepPart } from "../../../src/deep/take-part.ts";
import { addNoise } from "../../support/derive.ts";
import { obfuscate } from "../../support/obfuscate.ts";
import { type Model, randomModel } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const DIMS = { family: "llama", width: 64, hidden: 160, layers: 3, vocabulary: 640, tied: false } as const;
const SHAPE = { width: 64, hidden: 160, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 640 };

const opened = async (model: Model): Promise<DeepModel> => (await deepModel(await checkpointOf(model)))!;

/** How alike networks and held-out tokens are, seen from the suspect's own tokens and from where the base's directions lie in it. */
async function seen(suspect: Model, base: Model) {
  const [a, b] = [await opened(base), await opened(suspect)];
  const part = (await takeDeepPart(a))!;
  const of = async (image: Awaited<ReturnType<typeof frameImage>>) => {
    const [own, theirs] = (await counterpart(b, part, false, false, image))!;
    const { strength, tokens } = partEvidence(theirs, own)!;
    return { gate: strength.reduce((sum, { gate }) => sum + gate / strength.length, 0), tokens: tokens!.heldOut!.r };
  };
  return { own: await of(null), image: await of(await frameImage(part, a, b)) };
}

const base = randomModel({ init: 1 }, DIMS);

describe("a frame of one model as it lies in another's stream", () => {
  test("shows what tokens that drifted far hide, however the stream was rotated", async () => {
    const suspect = obfuscate(addNoise(base, 0.7), SHAPE, { residual: "rotation" }, 7);
    const { own, image } = await seen(suspect, base);
    expect(image.gate).toBeGreaterThan(own.gate + 0.1);
    expect(image.tokens).toBeGreaterThan(own.tokens + 0.1);
  });

  test("makes strangers no more alike", async () => {
    for (const init of [2, 3, 4]) {
      const { image } = await seen(randomModel({ init }, DIMS), base);
      expect(Math.abs(image.gate)).toBeLessThan(0.12);
      expect(Math.abs(image.tokens)).toBeLessThan(0.12);
    }
  });

  test("is none of streams that are too wide", async () => {
    const model = await opened(base);
    const part = (await takeDeepPart(model))!;
    const wide = { ...model, width: 1 << 14 };
    expect(await frameImage(part, wide, wide)).toBeNull();
  });
});
