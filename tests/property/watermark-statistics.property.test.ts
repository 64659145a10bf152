import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { decide } from "../../src/watermark/evidence/decide.ts";
import { agreements, hardLog2P, softLog2P, softStatistic } from "../../src/watermark/evidence/statistics.ts";
import { modelKey } from "../../src/watermark/key/model-key.ts";
import type { CarrierReading } from "../../src/watermark/message/carrier-reading.ts";
import { parsePayload, samePayload, showPayload } from "../../src/watermark/message/payload.ts";
import { PAYLOAD_CLASSES } from "../../src/watermark/message/payload-class.ts";
import { bareReading, markedReading, randomPayload } from "../unit/watermark/readings.ts";

const PAYLOAD_CLASS = PAYLOAD_CLASSES[0]!;
const coefficient = fc.double({ min: -1e3, max: 1e3, noNaN: true });
const nonZero = fc.oneof(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.constantFrom(1, 1, 2));
const bits = fc.constantFrom(32 as const, 64 as const, 128 as const);
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((master) => modelKey(master, "property"));

/** The reading for every way the coins of the coefficients can fall: coefficient w of chip i enters value i. */
function everyReading(chips: readonly (readonly number[])[]): CarrierReading[] {
  const count = chips.flat().length;
  const energies = Float64Array.from(chips, (own) => own.reduce((sum, a) => sum + a * a, 0));
  return Array.from({ length: 2 ** count }, (_, coins) => {
    let w = 0;
    const values = Float64Array.from(chips, (own) => own.reduce((sum, a) => sum + ((coins >> w++) & 1 ? -a : a), 0));
    return { carrier: "spread", payloadClass: PAYLOAD_CLASS, values, energies };
  });
}

const symbolsFor = (chips: number): fc.Arbitrary<Int8Array> =>
  fc.array(fc.constantFrom(1, -1), { minLength: chips, maxLength: chips }).map((signs) => Int8Array.from(signs));

describe("p-values against all coins", () => {
  const weights = fc.array(fc.array(coefficient, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });

  test.prop([weights.chain((chips) => fc.tuple(fc.constant(chips), symbolsFor(chips.length)))])(
    "the soft one is a bound for any coefficients",
    ([chips, symbols]) => {
      const statistics = everyReading(chips).map((reading) => softStatistic(reading, symbols));
      for (const z of statistics) {
        const reached = statistics.filter((other) => other >= z * (1 + 1e-12) - 1e-12).length / statistics.length;
        expect(reached).toBeLessThanOrEqual(2 ** softLog2P(z) * (1 + 1e-9));
      }
    },
  );

  test.prop([
    fc.array(nonZero, { minLength: 1, maxLength: 10 }).chain((a) => fc.tuple(fc.constant(a), symbolsFor(a.length))),
  ])("the hard one is exact for chips that cannot be 0", ([coefficients, symbols]) => {
    const counts = everyReading(coefficients.map((a) => [a])).map((reading) => agreements(reading, symbols).agree);
    for (let k = 0; k <= coefficients.length; k++) {
      const share = counts.filter((agree) => agree >= k).length / counts.length;
      expect(2 ** hardLog2P(k, coefficients.length)).toBeCloseTo(share, 12);
    }
  });

  test.prop([weights.chain((chips) => fc.tuple(fc.constant(chips), symbolsFor(chips.length)))])(
    "and a bound for chips that can",
    ([chips, symbols]) => {
      const seen = everyReading(chips).map((reading) => agreements(reading, symbols));
      for (let k = 0; k <= chips.length; k++) {
        const share = seen.filter(({ agree }) => agree >= k).length / seen.length;
        expect(share).toBeLessThanOrEqual(2 ** hardLog2P(k, seen[0]!.chips) * (1 + 1e-12));
      }
    },
  );
});

describe("decisions", () => {
  test.prop([keys, bits, fc.nat(), fc.double({ min: 1.6, max: 30, noNaN: true })], { numRuns: 60 })(
    "name the payload inside the radius",
    (key, size, seed, gain) => {
      const payload = randomPayload(size, seed);
      const decision = decide([markedReading(payload, key, { gain, seed })], key);
      expect(decision).toMatchObject({ present: true, payload: { bytes: payload.bytes, how: "decoded" } });
    },
  );

  test.prop([keys, bits, fc.nat(), fc.double({ min: 0, max: 1.2, noNaN: true }), fc.boolean()], { numRuns: 150 })(
    "name it or nothing outside",
    (key, size, seed, gain, claims) => {
      const payload = randomPayload(size, seed);
      const claimed = claims ? randomPayload(size, `${seed}/other`) : null;
      const decision = decide([markedReading(payload, key, { gain, seed })], key, { claimed });
      if (decision.payload !== null) expect(samePayload(decision.payload, payload)).toBe(true);
    },
  );

  test.prop([keys, keys, bits, fc.nat()], { numRuns: 60 })(
    "find nothing with another key",
    (key, other, size, seed) => {
      fc.pre(key.id !== other.id);
      const decision = decide([markedReading(randomPayload(size, seed), key, { gain: 1, seed })], other);
      // The pilots of both keys overlap by chance; the coins of a real carrier do not.
      expect(decision.payload).toBeNull();
    },
  );

  test.prop([keys, fc.nat()], { numRuns: 60 })("find nothing where nothing is", (key, seed) => {
    const readings = PAYLOAD_CLASSES.map((payloadClass) =>
      bareReading(payloadClass, "spread", `${seed}/${payloadClass.payloadBits}`),
    );
    expect(decide(readings, key)).toMatchObject({ present: false, payload: null, level: "none" });
  });
});

test.prop([fc.uint8Array({ minLength: 1, maxLength: 16 })])(
  "what is shown in hex parses to the same payload",
  (bytes) => {
    const payload = parsePayload(`0x${Buffer.from(bytes).toString("hex")}`);
    const { hex, text } = showPayload(payload);
    expect(samePayload(parsePayload(hex), payload)).toBe(true);
    if (text !== null) expect(showPayload(parsePayload(`text:${text}`)).text).toBe(text);
  },
);
