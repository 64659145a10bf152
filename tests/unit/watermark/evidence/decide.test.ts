import { describe, expect, test } from "vitest";
import { decide } from "../../../../src/watermark/evidence/decide.ts";
import { modelKey } from "../../../../src/watermark/key/model-key.ts";
import { classOf } from "../../../../src/watermark/message/payload.ts";
import { chipCount, PAYLOAD_CLASSES } from "../../../../src/watermark/message/payload-class.ts";
import { bareReading, KEY, markedReading, noisyReading, randomPayload } from "../readings.ts";

const payload = randomPayload(64, 1);
const other = randomPayload(64, 2);
const [ZERO, , MIDDLE] = PAYLOAD_CLASSES;

describe("one carrier", () => {
  test("is read without being told the payload", () => {
    const decision = decide([markedReading(payload, KEY, { gain: 2, seed: 1 })], KEY);
    expect(decision).toMatchObject({ present: true, level: "forensic", claim: null, decoys: null });
    expect(decision.payload).toEqual({ ...payload, how: "decoded" });
    // Pilots and decoded: two hypotheses.
    expect(decision.log2Tried).toBeCloseTo(1, 12);
    const [finding] = decision.carriers;
    expect(finding).toMatchObject({ name: "spread", payloadBits: 64, known: "decoded", chips: 341, present: true });
    expect(finding!.statistic).toBeGreaterThan(2 * Math.sqrt(341) - 4);
    expect(finding!.log2P).toBeCloseTo(64 - finding!.statistic ** 2 / (2 * Math.LN2), 9);
    expect(decision.log2P).toBeCloseTo(finding!.log2P + 1, 9);
    expect(finding!.gain).toBeGreaterThan(1.6);
    expect(finding!.noise).toBeLessThan(1.3);
    expect(finding!.hardLog2P).toBeLessThan(-100);
  });

  test("without payload is one hypothesis", () => {
    const decision = decide([markedReading(null, KEY, { gain: 2, seed: 1 })], KEY);
    expect(decision).toMatchObject({ present: true, payload: null, log2Tried: 0 });
  });

  test("whose pilots alone are still seen is present, its payload unread", () => {
    const decision = decide([markedReading(randomPayload(128, 3), KEY, { gain: 0.65, seed: 5 })], KEY);
    expect(decision).toMatchObject({ present: true, payload: null });
    expect(decision.carriers[0]).toMatchObject({ known: "pilots", chips: 171 });
  });

  test("is not found with another key", () => {
    const reading = bareReading(MIDDLE!, "spread", 1);
    expect(decide([reading], modelKey(new Uint8Array(32).fill(9), "test"))).toMatchObject({
      present: false,
      level: "none",
      payload: null,
    });
  });

  test("pays for keys and alignments tried", () => {
    const reading = markedReading(payload, KEY, { gain: 2, seed: 1 });
    const once = decide([reading], KEY);
    const often = decide([reading], KEY, { keysTried: 1024, alignments: 8 });
    expect(often.log2P - once.log2P).toBeCloseTo(13, 9);
    expect(often.log2Tried).toBeCloseTo(14, 9);
  });

  test("loses chips without harm", () => {
    const half = markedReading(payload, KEY, { gain: 3, seed: 2, energy: (chip) => (chip % 3 === 0 ? 0 : 1) });
    expect(decide([half], KEY).payload).toEqual({ ...payload, how: "decoded" });
    const uneven = markedReading(payload, KEY, { gain: 2, seed: 2, energy: (chip) => 0.1 + (chip % 7) });
    expect(decide([uneven], KEY).payload).toEqual({ ...payload, how: "decoded" });
  });

  test("with chips that are no numbers is read from the others", () => {
    const reading = markedReading(payload, KEY, { gain: 3, seed: 2 });
    reading.values[3] = Number.NaN;
    reading.values[4] = Number.POSITIVE_INFINITY;
    reading.energies[5] = Number.NaN;
    const decision = decide([reading], KEY);
    expect(decision.payload).toEqual({ ...payload, how: "decoded" });
    expect(Number.isFinite(decision.carriers[0]!.statistic)).toBe(true);
    reading.values.fill(Number.NaN);
    expect(decide([reading], KEY)).toMatchObject({ present: false, log2P: 0 });
  });

  test("with nothing left, or no carrier at all, is not found", () => {
    const gone = markedReading(payload, KEY, { gain: 3, seed: 2, energy: () => 0 });
    expect(decide([gone], KEY)).toMatchObject({ present: false, log2P: 0, payload: null });
    expect(decide([], KEY)).toMatchObject({ present: false, log2P: 0, payload: null, carriers: [], decoys: null });
  });
});

describe("a claimed payload", () => {
  test("is confirmed, and costs no search", () => {
    const reading = markedReading(payload, KEY, { gain: 1.4, seed: 3 });
    const claimed = decide([reading], KEY, { claimed: payload });
    expect(claimed).toMatchObject({ claim: "confirmed", payload: { how: "claimed" }, present: true });
    expect(claimed.log2P).toBeLessThan(decide([reading], KEY).log2P - 60);
    expect(claimed.carriers[0]!.known).toBe("claimed");
  });

  test("that is another one is contradicted, its neighbour too", () => {
    const reading = markedReading(payload, KEY, { gain: 1.4, seed: 3 });
    expect(decide([reading], KEY, { claimed: other })).toMatchObject({ claim: "contradicted", payload });
    const bytes = Uint8Array.from(payload.bytes);
    bytes[7]! ^= 1;
    expect(decide([reading], KEY, { claimed: { bytes, bits: 64 } })).toMatchObject({ claim: "contradicted", payload });
    expect(decide([reading], KEY, { claimed: randomPayload(32, 1) })).toMatchObject({ claim: "contradicted", payload });
  });

  test("finds the mark beyond the decoder's reach, without being confirmed there", () => {
    const sent = randomPayload(128, 4);
    const reading = markedReading(sent, KEY, { gain: 0.5, seed: 8 });
    expect(decide([reading], KEY)).toMatchObject({ payload: null });
    const decision = decide([reading], KEY, { claimed: sent });
    expect(decision).toMatchObject({ present: true, claim: "undecided", payload: null, level: "strong" });
    expect(decision.log2P).toBeLessThan(-90);
  });

  test("is no news where nothing is", () => {
    expect(decide([bareReading(MIDDLE!, "spread", 2)], KEY, { claimed: payload })).toMatchObject({
      present: false,
      claim: "undecided",
      payload: null,
    });
  });
});

describe("several carriers", () => {
  const weak = (carrier: "spread" | "head", seed: number): ReturnType<typeof markedReading> =>
    markedReading(payload, KEY, { carrier, gain: 0.75, seed });

  test("are read together where none is read alone", () => {
    const readings = [weak("spread", 3), weak("head", 4)];
    for (const reading of readings) expect(decide([reading], KEY).payload).toBeNull();
    const decision = decide(readings, KEY);
    expect(decision.payload).toEqual({ ...payload, how: "decoded" });
    // Two hypotheses for each of the carriers and for their sum.
    expect(decision.log2Tried).toBeCloseTo(Math.log2(6), 12);
  });

  test("one destroyed or turned around does not spoil the other", () => {
    const good = markedReading(payload, KEY, { gain: 1.5, seed: 1 });
    for (let seed = 0; seed < 20; seed++) {
      const destroyed = bareReading(MIDDLE!, "orientation", seed);
      expect(decide([destroyed, good], KEY).payload).toEqual({ ...payload, how: "decoded" });
    }
    const turned = markedReading(payload, KEY, { carrier: "orientation", gain: -4, seed: 1 });
    expect(decide([turned, good], KEY).payload).toEqual({ ...payload, how: "decoded" });
  });

  test("one marked without payload does not outvote the other", () => {
    const good = markedReading(payload, KEY, { carrier: "orientation", gain: 1.5, seed: 1 });
    const plain = noisyReading(MIDDLE!, new Int8Array(chipCount(MIDDLE!)).fill(1), { gain: 5, seed: 2 });
    const zeroBit = markedReading(null, KEY, { gain: 10, seed: 3 });
    const decision = decide([good, plain, zeroBit], KEY);
    expect(decision.payload).toEqual({ ...payload, how: "decoded" });
    for (let seed = 0; seed < 20; seed++) {
      const alone = noisyReading(MIDDLE!, new Int8Array(chipCount(MIDDLE!)).fill(1), { gain: 0.4 + seed / 5, seed });
      expect(decide([alone], KEY).payload).toBeNull();
    }
  });

  test("one read in two ways is one witness", () => {
    const reading = weak("head", 3);
    expect(decide([reading, { ...reading }], KEY).payload).toBeNull();
    expect(decide([reading, { ...reading }], KEY).log2Tried).toBeCloseTo(2, 12);
    // Three readings, two sums of one reading of each carrier, two hypotheses for each.
    const three = [weak("spread", 3), reading, bareReading(MIDDLE!, "head", 3)];
    expect(decide(three, KEY).log2Tried).toBeCloseTo(Math.log2(10), 12);
    expect(decide(three, KEY).payload).toEqual({ ...payload, how: "decoded" });
  });

  test("report themselves in the order given", () => {
    const readings = [
      bareReading(ZERO!, "head", 1),
      markedReading(payload, KEY, { carrier: "orientation", gain: 3, seed: 1 }),
      bareReading(classOf(randomPayload(128, 1)), "head", 2),
    ];
    const { carriers } = decide(readings, KEY);
    expect(carriers.map(({ name, payloadBits, present }) => [name, payloadBits, present])).toEqual([
      ["head", 0, false],
      ["orientation", 64, true],
      ["head", 128, false],
    ]);
  });
});

test("decoys are ranked against the strongest carrier", () => {
  const unitValues = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i * i));
  const decoySources = [{ carrier: "spread", unitValues, unitEnergies: unitValues.map((v) => v * v) }] as const;
  const found = decide([markedReading(payload, KEY, { gain: 2, seed: 1 })], KEY, { decoySources });
  expect(found.decoys).toMatchObject({ count: 4095, rank: 1 });
  const missed = decide([bareReading(MIDDLE!, "spread", 1)], KEY, { decoySources });
  expect(missed.decoys!.rank).toBeGreaterThan(1);
});
