import { expect, test } from "vitest";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { randomModel } from "../../support/random-model.ts";
import { checkpointOf } from "../../support/stored-model.ts";

test("sampling can be given up between two matrices, though every read is synchronous", async () => {
  const controller = new AbortController();
  const checkpoint = await checkpointOf(
    randomModel({ init: 1 }, { width: 48, hidden: 64, layers: 2, vocabulary: 128 }),
  );
  setImmediate(() => controller.abort());
  await expect(fingerprintCheckpoint(checkpoint, { signal: controller.signal })).rejects.toThrow(/abort/i);
});
