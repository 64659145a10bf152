import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { type Direction, VERDICT_ORDER } from "../../src/lineage/result.ts";
import { claimOf, type Facts, summarise } from "../../src/lineage/wording.ts";

const direction = fc.constantFrom<Direction>("suspect-from-base", "base-from-suspect", "siblings", "not-established");
const count = fc.integer({ min: 1, max: 500 });
const facts: fc.Arbitrary<Facts> = fc.record({
  part: fc.constantFrom(null, "PART"),
  image: fc.constant(null),
  everywhere: fc.boolean(),
  tableOnly: fc.boolean(),
  partly: fc.oneof(
    fc.constant(null),
    fc.record({ agreeing: count, tested: count, of: fc.constantFrom("layers", "matrices") }),
  ),
  share: fc.constantFrom(null, 0.25),
  back: fc.record({ part: fc.constantFrom(null, "OTHER"), share: fc.constantFrom(null, 0.75) }),
  equal: fc.oneof(fc.constant(null), fc.record({ equal: count, compared: count })),
});
const names = { suspect: "SUSPECT", base: "BASE" };

test.prop([fc.constantFrom(...VERDICT_ORDER), direction, facts], { numRuns: 2000 })(
  "a sentence says no more than verdict, direction and facts",
  (verdict, towards, known) => {
    const summary = summarise(verdict, towards, names, known);
    const claim = claimOf(verdict, towards, names.base, known);
    const directed = verdict === "derived" && (towards === "suspect-from-base" || towards === "base-from-suspect");
    for (const text of [summary, claim]) {
      expect(text).toContain("BASE");
      expect(text).not.toMatch(/independent|copied|stolen|fine-tun|parent|undefined|null|NaN|\s\s|\.\.$/);
      expect(/derives? from/.test(text)).toBe(directed);
      if (verdict === "derived" && towards === "base-from-suspect") {
        expect(/BASE \(OTHER\)/.test(text)).toBe(known.back.part !== null);
        expect(/share of 0\.75/.test(text)).toBe(known.back.share !== null);
      }
      expect(/same weights|is equal to/.test(text)).toBe(verdict === "identical");
      // Equality beyond what was read is never said.
      if (verdict === "identical") expect(/wherever sampled/.test(text)).toBe(!known.everywhere);
      if (verdict === "recast") expect(text).toMatch(/wherever sampled/);
      if (verdict === "derived" && !directed && known.part === null) expect(text).toMatch(/direction not established/);
      if (verdict === "derived" && !directed && known.part !== null)
        expect(text).toMatch(/PART.*whoever had them first/);
      const byEquality = known.equal !== null && known.part === null;
      if (verdict === "derived" && !directed && byEquality) {
        expect(text).toMatch(/shares \d+ of \d+ matrices bit for bit with BASE/);
      } else if (verdict === "derived" && !directed && known.partly !== null) {
        expect(text).toContain(`in ${known.partly.agreeing} of ${known.partly.tested} ${known.partly.of}`);
      }
      if (verdict === "shared-init" && known.tableOnly) {
        expect(/nothing else is shown/.test(text)).toBe(known.equal === null);
        expect(/bit for bit/.test(text)).toBe(known.equal !== null);
      }
      if (verdict === "shared-init" && known.equal === null && !known.tableOnly)
        expect(text).toMatch(/is not shown$|is not shown\.$/);
    }
    expect(summary).toContain("SUSPECT");
    expect(summary).toMatch(/[^.]\.$/);
    expect(claim).not.toMatch(/\.$/);
    if (verdict === "no-evidence") {
      expect(summary).toMatch(
        known.equal === null ? /does not prove that they are unrelated\.$/ : /nothing else is shown\.$/,
      );
    }
  },
);
