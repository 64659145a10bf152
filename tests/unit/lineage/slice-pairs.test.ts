import { expect, test } from "vitest";
import { describeAnatomy } from "../../../src/anatomy/describe.ts";
import type { Checkpoint, CheckpointTensor } from "../../../src/checkpoint/checkpoint.ts";
import { type Slice, sliceMatrix } from "../../../src/fingerprint/slice.ts";
import { retentions } from "../../../src/lineage/slice-pairs.ts";
import type { Subject } from "../../../src/lineage/subject.ts";
import { RowReader } from "../../../src/rows/row-reader.ts";
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

/** A model of `layers` layers, what is paired of it with itself, and its fingerprint with the slices of the first `known`. */
async function sliced(layers: number, known: number) {
  const whole = await checkpointOf(randomModel({ init: 2 }, { width: 48, hidden: 64, layers, vocabulary: 64 }));
  const { fingerprint } = await subjectOf(whole);
  const gates = fingerprint.sketches.filter(({ role }) => role === "gate");
  const [reader, tensors] = [new RowReader(whole), describeAnatomy(whole.tensors, whole.config).matrices];
  const slices: Slice[] = [];
  for (const gate of gates.slice(0, known)) {
    const matrix = tensors.find(({ role, layer }) => role === "gate" && layer === gate.layer)!;
    slices.push((await sliceMatrix(reader, matrix, fingerprint.sketches.indexOf(gate)))!);
  }
  const pairs = gates.map((gate) => ({ suspect: gate, base: gate }));
  const subject = (checkpoint: Checkpoint | null, kept: readonly Slice[] = slices) => ({
    name: "model",
    root: false,
    checkpoint,
    fingerprint: { ...fingerprint, slices: [...kept] },
  });
  return { whole, pairs, slices, subject };
}

test("slices are read of what no fingerprint has, where the weights of the side that lacks them are at hand", async () => {
  const { whole, pairs, subject } = await sliced(4, 2);
  const layersOf = async (suspect: Subject, base: Subject) =>
    (await retentions(suspect, base, pairs)).map(({ layer }) => layer);
  expect(await layersOf(subject(null), subject(null))).toEqual([0, 1]);
  expect(await layersOf(subject(null, []), subject(null))).toEqual([]);
  expect(await layersOf(subject(whole, []), subject(null))).toEqual([0, 1]);
  expect(await layersOf(subject(null), subject(whole, []))).toEqual([0, 1]);
  expect(await layersOf(subject(whole), subject(whole))).toEqual([0, 1, 2, 3]);
  // What the base's fingerprint has comes first of those that are read.
  const last = (await sliced(4, 4)).slices.slice(3);
  expect(await layersOf(subject(whole, []), subject(whole, last))).toEqual([3, 0, 1, 2]);
});

test("nothing is read where fingerprints hold eight slices, and no more than 24 are looked at where they hold fewer", async () => {
  const { whole, pairs, subject, slices } = await sliced(30, 8);
  const read = (kept: readonly Slice[]) => retentions(subject(whole, kept), subject(whole, kept), pairs);
  expect(await read(slices)).toHaveLength(8);
  expect(await read(slices.slice(1))).toHaveLength(24);
});

test("slices of other rows, or of another width, are no pair", async () => {
  const { pairs, subject, slices } = await sliced(1, 1);
  const [slice] = slices as [Slice];
  const of = (change: Partial<Slice>) => retentions(subject(null, [{ ...slice, ...change }]), subject(null), pairs);
  expect(await of({})).toHaveLength(1);
  expect(await of({ firstRow: slice.firstRow + 1 })).toEqual([]);
  expect(await of({ height: slice.height / 2 })).toEqual([]);
  expect(await of({ height: slice.height / 2, width: slice.width * 2 })).toEqual([]);
  expect(await of({ width: slice.width / 2 })).toEqual([]);
});
