import { expect, test } from "vitest";
import { modelKey } from "../../../../src/watermark/key/model-key.ts";
import { chipPlan, symbols } from "../../../../src/watermark/message/chip-plan.ts";
import { encodePayload } from "../../../../src/watermark/message/ecc/payload-code.ts";
import { classOf } from "../../../../src/watermark/message/payload.ts";
import { PAYLOAD_CLASSES } from "../../../../src/watermark/message/payload-class.ts";
import { KEY, randomPayload } from "../readings.ts";

const LARGEST = PAYLOAD_CLASSES[3]!;

test.each(PAYLOAD_CLASSES)("$payloadBits bits: every coded bit once, the rest pilots", (payloadClass) => {
  const { places } = chipPlan(payloadClass, KEY, "spread");
  const coded = [...places].filter((place) => place >= 0).sort((a, b) => a - b);
  expect(coded).toEqual(Array.from({ length: payloadClass.coded }, (_, i) => i));
  expect([...places].filter((place) => place === -1)).toHaveLength(payloadClass.pilots);
});

test("the order is frozen: marks depend on it", () => {
  const { places } = chipPlan(classOf(randomPayload(32, 1)), KEY, "orientation");
  expect([...places.subarray(0, 12)]).toMatchInlineSnapshot(`
    [
      28,
      3,
      125,
      -1,
      63,
      16,
      117,
      13,
      47,
      -1,
      -1,
      25,
    ]
  `);
});

test("another key, carrier or class is another order", () => {
  const orders = [
    chipPlan(LARGEST, KEY, "spread"),
    chipPlan(LARGEST, KEY, "embedding"),
    chipPlan(LARGEST, modelKey(new Uint8Array(32), "test"), "spread"),
    chipPlan(PAYLOAD_CLASSES[2]!, KEY, "spread"),
  ].map(({ places }) => [...places.subarray(0, 40)].join());
  expect(new Set(orders).size).toBe(4);
});

test("every place is equally likely everywhere", () => {
  const keys = 2000;
  const small = { payloadBits: 32, coded: 3, pilots: 3 } as const;
  const counts = new Float64Array(36);
  for (let seed = 0; seed < keys; seed++) {
    const master = new Uint8Array(32);
    new DataView(master.buffer).setUint32(0, seed);
    const { places } = chipPlan(small, modelKey(master, "uniform"), "spread");
    places.forEach((place, i) => {
      counts[6 * i + place + 1]! += place < 0 ? 1 / 3 : 1;
    });
  }
  for (let i = 0; i < 6; i++) {
    for (let place = 0; place <= 3; place++) {
      // Binomial(2000, 1/6): a deviation of 16.7; five of them.
      expect(Math.abs(counts[6 * i + place]! - keys / 6)).toBeLessThan(85);
    }
  }
});

test("symbols: +1 for pilots, the code word's signs, 0 where the payload is unknown", () => {
  const payload = randomPayload(128, 2);
  const plan = chipPlan(LARGEST, KEY, "head");
  const word = encodePayload(payload);
  const known = symbols(plan, payload);
  const unknown = symbols(plan, null);
  plan.places.forEach((place, i) => {
    expect(known[i]).toBe(place < 0 ? 1 : word[place] === 0 ? 1 : -1);
    expect(unknown[i]).toBe(place < 0 ? 1 : 0);
  });
});
