import { describe, expect, it } from "vitest";
import { engines } from "../../../src/numerics/engines.ts";
import { compareQuality } from "../../../src/quality/compare-quality.ts";
import { hiddenStates } from "../../../src/quality/forward.ts";
import { logitBand } from "../../../src/quality/logits.ts";
import { openModel } from "../../../src/quality/model.ts";
import type { EngineName } from "../../../src/quality/result.ts";
import { FORWARD_CASES, forwardFixture, hashedModel, withConfig } from "../../support/hashed-model.ts";

/** Every engine must run every family; one that is absent is skipped by name. */
for (const { name, engine, reason } of engines()) {
  describe.skipIf(engine === null)(`${name}${reason === null ? "" : ` (${reason})`}`, () => {
    it.each(FORWARD_CASES)("runs %s as the reference library does", async (family) => {
      const fixture = forwardFixture(family);
      const model = openModel(await withConfig(hashedModel(fixture), fixture.config));
      const hidden = await hiddenStates(engine!, model, fixture.tokens);
      const logits = await logitBand(engine!, model, hidden, 0, model.architecture.vocabulary);
      const difference = fixture.logits.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i]!)), 0);
      const largest = fixture.logits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(difference / largest).toBeLessThan(1e-5);
    });

    it("computes equal logits for equal models, and names itself", async () => {
      const fixture = forwardFixture("qwen3");
      const model = await withConfig(hashedModel(fixture), fixture.config);
      const tokens = { sequences: [Array.from({ length: 90 }, (_, i) => (i * i) % 23)], prefix: [] };
      const result = await compareQuality(model, model, tokens, { engine: name as EngineName, threads: 0 });
      expect(result.logits).toMatchObject({ bitEqual: true, maxDifference: 0 });
      expect(result.engine).toBe(engine!.name);
    });
  });
}
