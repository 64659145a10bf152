import { expect, test } from "vitest";
import type { Checkpoint, CheckpointTensor } from "../../../src/checkpoint/checkpoint.ts";
import { retentions } from "../../../src/lineage/slice-pairs.ts";
import { randomModel } from "../../support/random-model.ts";
import { checkpointOf, subjectOf } from "../../support/stored-model.ts";

/** A table of tensors that counts how often all their names are gone through. */
class CountedTable extends Map<string, CheckpointTensor> {
  passes = 0;

  override keys(): ReturnType<Map<string, CheckpointTensor>["keys"]> {
    this.passes += 1;
    return super.keys();
  }
}

test("the tensors of a model are described once, however many of its stacks lack slices", async () => {
  const checkpoint = await checkpointOf(randomModel({ init: 1 }, { width: 48, hidden: 64, layers: 4, vocabulary: 64 }));
  const { fingerprint } = await subjectOf(checkpoint);
  const tensors = new CountedTable(checkpoint.tensors);
  const counted: Checkpoint = { ...checkpoint, tensors };
  const subject = { name: "model", root: false, checkpoint: counted, fingerprint: { ...fingerprint, slices: [] } };
  const pairs = fingerprint.sketches.filter((s) => s.role === "gate").map((s) => ({ suspect: s, base: s }));
  expect(await retentions(subject, subject, pairs.slice(0, 1))).toHaveLength(1);
  const once = tensors.passes;
  for (const pair of pairs) expect(await retentions(subject, subject, [pair])).toHaveLength(1);
  expect(tensors.passes).toBe(once);
});
