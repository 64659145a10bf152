import { expect, test } from "vitest";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { randomModel } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

async function subject(seed: number): Promise<Subject> {
  const model = randomModel({ init: seed }, { width: 48, hidden: 64, layers: 2, vocabulary: 128 });
  const fingerprint = await fingerprintCheckpoint(await checkpointOf(model));
  return { name: `m${seed}`, fingerprint, checkpoint: null, root: false };
}

test("a comparison can be given up, though all of it is calculated on one thread", async () => {
  const [a, b] = [await subject(1), await subject(2)];
  const controller = new AbortController();
  // As long ago as the event loop may wait.
  for (const began = performance.now(); performance.now() - began < 100; );
  setImmediate(() => controller.abort());
  await expect(compareSubjects(a, b, { signal: controller.signal })).rejects.toThrow(/abort/i);
  expect((await compareSubjects(a, b)).verdict).toBe("no-evidence");
});
