import { describe, expect, it } from "vitest";
import { buildCodeIndex } from "../../../src/registry/code-index.ts";
import { nullOfSmallest } from "../../../src/registry/code-null.ts";
import { bestBases, scoreBases } from "../../../src/registry/code-search.ts";
import { packCodes, type SearchCode } from "../../../src/registry/packed-codes.ts";
import { randomWords } from "../../support/random-fingerprint.ts";

const next = randomWords(7);
const score = (bases: readonly (readonly SearchCode[])[], suspect: readonly SearchCode[]) => [
  ...scoreBases(buildCodeIndex(bases.map(packCodes)), packCodes(suspect)),
];
const random = (role: SearchCode["role"], cols = 64): SearchCode => ({
  role,
  cols,
  code: Uint8Array.from({ length: 32 }, () => next() & 255),
});

/** Of codes with lanes of 64 bits, as matrices of 64 to 127 columns have them. */
function distance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let lane = 0; lane < 32; lane += 8) {
    let bits = 0;
    for (let i = lane; i < lane + 8; i++) for (let x = a[i]! ^ b[i]!; x > 0; x &= x - 1) bits++;
    sum += Math.min(bits, 64 - bits);
  }
  return sum;
}

describe("scoreBases", () => {
  it("is the standardised nearest distance of the definition", () => {
    const bases = Array.from({ length: 5 }, (_, i) =>
      Array.from({ length: 3 + i }, (_, j) => random(j % 2 ? "q" : "up")),
    );
    const suspect = [random("q"), random("up"), random("q"), random("down", 96), random("unknown")];
    const expected = bases.map((codes) => {
      let sum = 0;
      let compared = 0;
      for (const query of suspect) {
        const same = codes.filter(({ cols }) => cols === query.cols);
        if (same.length === 0) continue;
        const nearest = Math.min(...same.map(({ code }) => distance(code, query.code)));
        const { mean, sd } = nullOfSmallest(same.length, 64);
        sum += (mean - nearest) / sd;
        compared++;
      }
      return sum / Math.sqrt(compared);
    });
    const scores = score(bases, suspect);
    scores.forEach((score, i) => {
      expect(score).toBeCloseTo(expected[i]!, 10);
    });
  });

  it("is about N(0,1) over unrelated bases", () => {
    const bases = Array.from({ length: 400 }, () => Array.from({ length: 16 }, () => random("q")));
    const scores = score(
      bases,
      Array.from({ length: 16 }, () => random("q")),
    );
    const mean = scores.reduce((a, b) => a + b) / scores.length;
    const sd = Math.sqrt(scores.reduce((a, b) => a + (b - mean) ** 2, 0) / scores.length);
    expect(Math.abs(mean)).toBeLessThan(0.2);
    expect(Math.abs(sd - 1)).toBeLessThan(0.15);
  });

  it("says NaN where no width agrees", () => {
    expect(score([[random("q")], []], [random("q", 65), random("k", 66)])).toEqual([Number.NaN, Number.NaN]);
  });

  it("finds a base whatever roles the suspect's names pretend", () => {
    const base = Array.from({ length: 12 }, (_, i) => random(i % 2 ? "q" : "up"));
    const others = Array.from({ length: 30 }, () => Array.from({ length: 12 }, () => random("q")));
    const scores = score(
      [...others, base],
      base.map((code) => ({ ...code, role: "unknown" })),
    );
    expect(Math.max(...scores.slice(0, 30))).toBeLessThan(5);
    expect(scores[30]).toBeGreaterThan(20);
  });
});

describe("bestBases", () => {
  it("is the sorted scores, cut off, whatever the limit", () => {
    // Few values, so that many are equal.
    const scores = Float64Array.from({ length: 5000 }, () => (next() % 5 === 0 ? Number.NaN : (next() % 50) - 25));
    const sorted = [...scores]
      .map((score, base) => ({ base, score }))
      .filter(({ score }) => !Number.isNaN(score))
      .sort((a, b) => b.score - a.score || a.base - b.base);
    for (const limit of [0, 1, 8, 500, 5000, Number.POSITIVE_INFINITY]) {
      expect(bestBases(scores, limit)).toEqual(sorted.slice(0, limit));
    }
  });
});

describe("buildCodeIndex", () => {
  it("lies in memory that threads share", () => {
    const index = buildCodeIndex([packCodes([random("q"), random("up", 96)])]);
    const arrays = [index.codes, index.codeEnds, index.members, index.groupMembers, index.widths];
    for (const { buffer } of arrays) expect(buffer).toBeInstanceOf(SharedArrayBuffer);
    expect([...index.widths]).toEqual([64, 96]);
  });
});
