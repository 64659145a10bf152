import { describe, expect, test } from "vitest";
import { choosePlan } from "../../../../src/watermark/carriers/choose-plan.ts";
import { readOrientation } from "../../../../src/watermark/carriers/orientation/projections.ts";
import { signCarrier } from "../../../../src/watermark/carriers/orientation/sign-carrier.ts";
import { readSpread } from "../../../../src/watermark/carriers/spread/read.ts";
import { spreadCarrier } from "../../../../src/watermark/carriers/spread/spread-carrier.ts";
import { hostModel } from "../../../../src/watermark/host/host-checkpoint.ts";
import { messageSymbols } from "../../../../src/watermark/message/message.ts";
import { parsePayload } from "../../../../src/watermark/message/payload.ts";
import { PAYLOAD_CLASSES, type PayloadClass } from "../../../../src/watermark/message/payload-class.ts";
import type { Model } from "../../../support/random-model.ts";
import { checkpointOfModel, gaussianLlama, testKey } from "../../../support/spread-model.ts";

const [ZERO_BIT, WORD] = PAYLOAD_CLASSES as [PayloadClass, PayloadClass];
const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
};
const key = testKey(1);
const payload = parsePayload("00c0ffee");
const message = { key, payload, rho: 0.02 };

const signsOf = async (model: Model) =>
  signCarrier(await readOrientation(hostModel(await checkpointOfModel(model, CONFIG)), key), key);
const weightsOf = async (model: Model) =>
  spreadCarrier(await readSpread(await checkpointOfModel(model, CONFIG), key, { threads: 0, marking: true }), key);

const small = gaussianLlama(1, { layers: 2 });

describe("symbols of a message", () => {
  test("are all +1 without payload, whether the message has one or not", () => {
    for (const one of [message, { ...message, payload: null }])
      expect(messageSymbols(one, ZERO_BIT, "spread").every((symbol) => symbol === 1)).toBe(true);
  });

  test("spell the payload in an order of the carrier's own", () => {
    const spread = messageSymbols(message, WORD, "spread");
    const signs = messageSymbols(message, WORD, "orientation");
    expect(new Set([...spread, ...signs])).toEqual(new Set([-1, 1]));
    expect(spread).not.toEqual(signs);
    expect(messageSymbols(message, WORD, "spread")).toEqual(spread);
  });
});

describe("signs", () => {
  test("carry the payload where there are enough, no payload where there are fewer, nothing where there are few", async () => {
    const signs = await signsOf(small);
    const longest = choosePlan(signs, { ...message, payload: parsePayload("00112233445566778899aabbccddeeff") })!;
    expect(longest.strength.payloadClass.payloadBits).toBe(128);
    expect(longest.statistic).toBeCloseTo(Math.sqrt((2 * signs.units) / Math.PI), -1);

    const fewer = await signsOf(gaussianLlama(2, { layers: 1, width: 64, hidden: 192 }));
    expect(choosePlan(fewer, message)?.strength.payloadClass).toBe(ZERO_BIT);

    const few = await signsOf(gaussianLlama(3, { layers: 1, width: 64, hidden: 16 }));
    expect(few.units).toBeGreaterThan(0);
    expect(choosePlan(few, message)).toBeNull();
  });
});

describe("weights", () => {
  test("carry what their energy allows", async () => {
    const weights = await weightsOf(small);
    const bitsAt = (rho: number) => choosePlan(weights, { ...message, rho })?.strength.payloadClass.payloadBits;
    expect([0.03, 0.015, 0.002].map(bitsAt)).toEqual([32, 0, undefined]);
  });

  test("cancel their own part for a payload, and none for a mark without", async () => {
    const weights = await weightsOf(small);
    const word = choosePlan(weights, message)!;
    const zeroBit = choosePlan(weights, { ...message, payload: null })!;
    expect(word.strength.cancelled).toBe(1);
    expect(zeroBit.strength.cancelled).toBe(0);
    expect(zeroBit.statistic).toBeGreaterThan(word.statistic);
  });
});
