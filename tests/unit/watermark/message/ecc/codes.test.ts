import { describe, expect, test } from "vitest";
import { prng } from "../../../../../src/numerics/prng.ts";
import { crc16 } from "../../../../../src/watermark/message/ecc/crc16.ts";
import { INFORMATION_SETS } from "../../../../../src/watermark/message/ecc/information-sets.ts";
import { decodeList, softplus } from "../../../../../src/watermark/message/ecc/list-decoder.ts";
import { encodePayload, listPayloads, log2Odds } from "../../../../../src/watermark/message/ecc/payload-code.ts";
import { type PolarCode, polarEncode } from "../../../../../src/watermark/message/ecc/polar-code.ts";
import type { Payload } from "../../../../../src/watermark/message/payload.ts";
import { gaussianApproximation } from "../../../../support/polar-construction.ts";
import { randomPayload } from "../../readings.ts";

const CLASSES = [32, 64, 128] as const;

/** Row i of the Kronecker power of [[1, 0], [1, 1]]: entry j is 1 when every bit of j is one of i. */
const kernelRow = (i: number, n: number): Uint8Array => Uint8Array.from({ length: n }, (_, j) => Number((i & j) === j));

function everyWord(count: number): Uint8Array[] {
  return Array.from({ length: 2 ** count }, (_, word) => Uint8Array.from({ length: count }, (_, i) => (word >> i) & 1));
}

function logMass(llr: Float64Array, word: Uint8Array): number {
  return word.reduce((sum, bit, i) => sum - softplus(bit === 0 ? -llr[i]! : llr[i]!), 0);
}

function received(word: Uint8Array, ratio: number, seed: number): Float64Array {
  const random = prng(seed);
  return Float64Array.from(word, (bit) => 2 * ratio * ((1 - 2 * bit) * ratio + random.normal()));
}

describe("CRC-16", () => {
  test("gives the check value that catalogues list for CRC-16/IBM-3740", () => {
    expect(crc16(Buffer.from("123456789"))).toBe(0x29b1);
    expect(crc16(new Uint8Array(0))).toBe(0xffff);
  });

  test("sees every burst of up to 16 bits", () => {
    const bytes = Uint8Array.from(randomPayload(128, 1).bytes);
    const whole = crc16(bytes);
    for (let at = 0; at < 112; at++) {
      const burst = Uint8Array.from(bytes);
      const pattern = 0x8000 | ((at * 12345) & 0x7fff);
      for (let i = 0; i < 16; i++) burst[(at + i) >> 3]! ^= ((pattern >> (15 - i)) & 1) << (7 - ((at + i) & 7));
      expect(crc16(burst)).not.toBe(whole);
    }
  });
});

describe("polar encoder", () => {
  test("multiplies by the Kronecker power", () => {
    const n = 32;
    const code: PolarCode = { length: n, information: Uint16Array.from({ length: n }, (_, i) => i) };
    const random = prng(3);
    for (let round = 0; round < 50; round++) {
      const u = Uint8Array.from({ length: n }, () => random.below(2));
      const expected = new Uint8Array(n);
      u.forEach((bit, i) => {
        if (bit === 1) for (const [j, entry] of kernelRow(i, n).entries()) expected[j]! ^= entry;
      });
      expect(polarEncode(code, u)).toEqual(expected);
    }
  });

  test("leaves frozen positions out", () => {
    const code: PolarCode = { length: 8, information: Uint16Array.of(3, 6) };
    expect(polarEncode(code, Uint8Array.of(1, 0))).toEqual(kernelRow(3, 8));
    expect(polarEncode(code, Uint8Array.of(0, 1))).toEqual(kernelRow(6, 8));
  });
});

describe("information sets", () => {
  test.each(CLASSES)("%i bits: what the Gaussian approximation gives at .9", (bits) => {
    const code = INFORMATION_SETS.get(bits)!;
    expect(code.information).toEqual(gaussianApproximation(code.length, bits + 16, 0.9));
  });
});

describe("list decoder", () => {
  const code: PolarCode = { length: 16, information: Uint16Array.of(6, 7, 11, 13, 14, 15) };

  test("with room for all words gives each its exact probability, likeliest first", () => {
    for (let seed = 0; seed < 20; seed++) {
      const llr = received(polarEncode(code, Uint8Array.of(1, 0, 1, 1, 0, 1)), 0.5, seed);
      const { paths, prunedLogMass } = decodeList(code, llr, 64);
      expect(prunedLogMass).toBe(Number.NEGATIVE_INFINITY);
      const expected = everyWord(6)
        .map((information) => ({ information, mass: logMass(llr, polarEncode(code, information)) }))
        .sort((a, b) => b.mass - a.mass);
      expect(paths.map(({ information }) => [...information])).toEqual(expected.map((one) => [...one.information]));
      for (const [i, path] of paths.entries()) expect(path.logMass).toBeCloseTo(expected[i]!.mass, 9);
    }
  });

  test("accounts for pruned words exactly where the channel says nothing", () => {
    const { paths, prunedLogMass } = decodeList(code, new Float64Array(16), 8);
    const listed = paths.reduce((sum, path) => sum + Math.exp(path.logMass), 0);
    expect((listed + Math.exp(prunedLogMass)) * 2 ** 16).toBeCloseTo(2 ** 6, 9);
  });

  test("is not upset by LLRs beyond all measure", () => {
    const word = polarEncode(code, Uint8Array.of(1, 1, 0, 0, 1, 0));
    const { paths } = decodeList(
      code,
      Float64Array.from(word, (bit) => (bit === 0 ? 1e4 : -1e4)),
      8,
    );
    expect(paths[0]!.information).toEqual(Uint8Array.of(1, 1, 0, 0, 1, 0));
    expect(paths[0]!.logMass).toBeCloseTo(0, 9);
  });

  test.each([
    [32, 1.3],
    [64, 1.15],
    [128, 1],
  ] as const)("%i bits at gain %f over noise 1", (bits, ratio) => {
    for (let seed = 0; seed < 60; seed++) {
      const payload = randomPayload(bits, seed);
      const list = listPayloads(received(encodePayload(payload), ratio, seed), bits);
      expect(list.candidates[0]!.payload).toEqual(payload);
    }
  });

  test("almost never finds a CRC in noise", () => {
    const random = prng(9);
    let answers = 0;
    for (let round = 0; round < 800; round++) {
      const llr = Float64Array.from({ length: 128 }, () => 2 * random.normal());
      answers += listPayloads(llr, 32).candidates.length;
    }
    // 8 / 65,536 a round: .1 expected, more than 3 in one of 250,000 runs.
    expect(answers).toBeLessThanOrEqual(3);
  });
});

describe("odds", () => {
  const payload = randomPayload(64, 1);

  test("are high for what was sent and the reverse for anything else", () => {
    const list = listPayloads(received(encodePayload(payload), 1.3, 1), 64);
    const odds = log2Odds(list, payload);
    expect(odds).toBeGreaterThan(20);
    const bytes = Uint8Array.from(payload.bytes);
    bytes[0]! ^= 1;
    expect(log2Odds(list, { bytes, bits: 64 })).toBeLessThan(-odds / 2);
  });

  test("name nothing where all coded chips are +1, the look of a mark without payload", () => {
    for (const bits of CLASSES) {
      const { length } = INFORMATION_SETS.get(bits)!;
      for (let seed = 0; seed < 10; seed++) {
        const list = listPayloads(received(new Uint8Array(length), 1.2, seed), bits);
        for (const candidate of list.candidates) expect(log2Odds(list, candidate.payload)).toBeLessThan(0);
        const allZeros: Payload = { bits, bytes: new Uint8Array(bits / 8) };
        expect(log2Odds(list, allZeros)).toBeLessThan(0);
      }
    }
  });
});
