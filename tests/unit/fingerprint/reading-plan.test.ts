import { describe, expect, test } from "vitest";
import type { CanonicalTensor } from "../../../src/anatomy/anatomy.ts";
import type { ByteSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import type { Checkpoint, CheckpointTensor } from "../../../src/checkpoint/checkpoint.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { serializeFingerprint } from "../../../src/fingerprint/file.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { BATCH_BYTES, fetchedAhead, inBatches } from "../../../src/rows/batches.ts";
import { holdRanges } from "../../../src/rows/held-ranges.ts";
import { RowReader } from "../../../src/rows/row-reader.ts";
import { shard } from "../../support/derive.ts";
import { prefetchOnly } from "../../support/prefetch-only.ts";
import { randomModel } from "../../support/random-model.ts";
import { checkpointOf, subjectOf } from "../../support/stored-model.ts";

const oneFile = (source: ByteSource, tensors: readonly CheckpointTensor[]): Checkpoint => ({
  location: "memory",
  container: "safetensors",
  files: [{ path: "memory", absolutePath: null, source }],
  tensors: new Map(tensors.map((t) => [t.name, t])),
  config: null,
  notes: [],
  verifyUnchanged: async () => {},
  close: async () => {},
});

/** A Llama of real width whose weights are made up where they are read. */
function wideLlama(layers: number): Checkpoint {
  const tensors: CheckpointTensor[] = [];
  let end = 0;
  const add = (name: string, ...shape: number[]): void => {
    const begin = end;
    end += 4 * shape.reduce((a, b) => a * b, 1);
    tensors.push({ name, dtype: "F32", shape, begin, end, file: 0 });
  };
  add("model.embed_tokens.weight", 32_000, 4096);
  for (let n = 0; n < layers; n++) {
    for (const part of ["q", "k", "v", "o"]) add(`model.layers.${n}.self_attn.${part}_proj.weight`, 4096, 4096);
    for (const part of ["gate", "up"]) add(`model.layers.${n}.mlp.${part}_proj.weight`, 11_008, 4096);
    add(`model.layers.${n}.mlp.down_proj.weight`, 4096, 11_008);
    add(`model.layers.${n}.input_layernorm.weight`, 4096);
  }
  add("lm_head.weight", 32_000, 4096);
  const read = async (start: number, stop: number): Promise<Uint8Array> => {
    const words = new Uint32Array((stop - start) / 4);
    for (let i = 0; i < words.length; i++) {
      const mixed = Math.imul(start / 4 + i, 0x9e3779b1);
      words[i] = (mixed & 0x807fffff) | 0x3c000000;
    }
    return new Uint8Array(words.buffer);
  };
  return oneFile(
    { location: "made up", size: end, read, verifyUnchanged: async () => {}, close: async () => {} },
    tensors,
  );
}

describe("a model far away", () => {
  test("of usual width is read in a few announcements of bounded size", async () => {
    const near = wideLlama(9);
    const { checkpoint, log } = prefetchOnly(near);
    const fingerprint = await fingerprintCheckpoint(checkpoint);
    expect(fingerprint.bytesRead).toBeGreaterThan(BATCH_BYTES);
    expect(log.calls[0]).toBe(2);
    expect(log.peak).toBeLessThanOrEqual(BATCH_BYTES);
    const plain = serializeFingerprint(await fingerprintCheckpoint(near));
    expect(Buffer.compare(serializeFingerprint(fingerprint), plain)).toBe(0);
  });

  test("that is small is one announcement a shard", async () => {
    const shards = shard(randomModel({ init: 1 }, { layers: 2 }), 3);
    const { checkpoint, log } = prefetchOnly(await checkpointOf(shards));
    await fingerprintCheckpoint(checkpoint);
    expect(log.calls).toEqual([1, 1, 1]);
  });

  test("is let go of when the signal says so", async () => {
    const controller = new AbortController();
    const { checkpoint, log } = prefetchOnly(await checkpointOf(randomModel({ init: 1 }, { layers: 2 })));
    setImmediate(() => controller.abort(new Error("enough")));
    await expect(fingerprintCheckpoint(checkpoint, { signal: controller.signal })).rejects.toThrow("enough");
    expect(log.calls).toEqual([1]);
  });

  test("gives the slices that a comparison lacks, all of a kind at once", async () => {
    const model = randomModel({ init: 1 }, { layers: 4, width: 128, hidden: 192 });
    const [a, b] = [await subjectOf(model), await subjectOf(model)];
    const { checkpoint, log } = prefetchOnly(b.checkpoint!);
    const bare = { ...b, fingerprint: { ...b.fingerprint, slices: [] } };
    const near = await compareSubjects(a, bare);
    expect(near.difference.drift).toBe(0);
    expect(await compareSubjects(a, { ...bare, checkpoint })).toEqual(near);
    expect(log.calls[0]).toBeLessThanOrEqual(3);
  });
});

describe("a transposed tensor too large to keep", () => {
  const [rows, cols] = [6, 50_000];
  const values = Float32Array.from({ length: rows * cols }, (_, i) => i);
  const tensor = { name: "w", dtype: "F32" as const, shape: [cols, rows], begin: 0, end: values.byteLength, file: 0 };
  const near = oneFile(memorySource(new Uint8Array(values.buffer)), [tensor]);
  const view: CanonicalTensor = {
    component: "language",
    stack: "model.layers",
    layer: 0,
    expert: -1,
    role: "up",
    rows,
    cols,
    tensor: "w",
    rowOffset: (row) => row,
    colStride: rows,
    gain: null,
    axis: "residual",
    block: cols,
  };

  test("is announced in windows of some pieces", async () => {
    const { checkpoint, log } = prefetchOnly(near);
    const cache = 1 << 16;
    const got = await new RowReader(checkpoint, cache).rows(view, [1, 4]);
    expect(got).toEqual(await new RowReader(near, cache).rows(view, [1, 4]));
    expect([got[3], got[cols + 3]]).toEqual([3 * rows + 1, 3 * rows + 4]);
    expect(log.calls[0]).toBe(Math.ceil(values.byteLength / (8 * cache)));
    expect(log.peak).toBe(8 * cache);
  });

  test("has no plan: it is read alone", () => {
    expect(new RowReader(near, 1 << 16).rowRanges(view, [1])).toBeNull();
    expect(new RowReader(near).rowRanges(view, [1])).toEqual([{ file: 0, start: 0, end: values.byteLength }]);
  });
});

describe("batches", () => {
  const range = (start: number, bytes: number) => [{ file: 0, start, end: start + bytes }];

  test("are filled in order; what is too large, or has no ranges, stands alone", () => {
    const half = BATCH_BYTES / 2;
    const sizes: (number | null)[] = [half, half, 1, BATCH_BYTES + 1, 5, null, 6, half];
    const batches = [...inBatches(sizes, (size) => (size === null ? null : range(0, size)))];
    expect(batches.map(({ items }) => items)).toEqual([[half, half], [1], [BATCH_BYTES + 1], [5], [null], [6, half]]);
    expect(batches.map(({ alone }) => alone)).toEqual([false, false, true, false, true, false]);
    expect(batches.map(({ ranges }) => ranges.length)).toEqual([2, 1, 0, 1, 0, 2]);
  });

  test("are bounded by the number of ranges as well", () => {
    const many = Array.from({ length: 40_000 }, (_, i) => ({ file: 0, start: 2 * i, end: 2 * i + 1 }));
    expect([...inBatches([1, 2, 3], () => many)].map(({ items }) => items)).toEqual([[1], [2], [3]]);
  });

  test("are fetched one ahead, but not past one that wants the line for itself", async () => {
    const log: string[] = [];
    const fetch = async (x: number): Promise<number> => {
      log.push(`fetch ${x}`);
      return -x;
    };
    for await (const [x, fetched] of fetchedAhead([1, 2, 3], fetch, (each) => each === 2)) log.push(`${x} ${fetched}`);
    expect(log).toEqual(["fetch 1", "fetch 2", "1 -1", "2 -2", "fetch 3", "3 -3"]);
  });

  test("fail where they are used, not before", async () => {
    const used: number[] = [];
    const run = async (): Promise<void> => {
      const fetch = (x: number) => (x === 2 ? Promise.reject(new Error("lost")) : Promise.resolve(x));
      for await (const [x] of fetchedAhead([1, 2, 3], fetch)) used.push(x);
    };
    await expect(run()).rejects.toThrow("lost");
    expect(used).toEqual([1]);
  });
});

test("held ranges give what lies inside of them and nothing else", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const { checkpoint } = prefetchOnly(oneFile(memorySource(bytes), []));
  const of = (start: number, end: number, file = 0) => ({ file, start, end });
  const held = await holdRanges(checkpoint, [of(50, 60), of(10, 20), of(20, 25), of(5, 12)]);
  expect(held.find(of(5, 25))).toEqual(bytes.subarray(5, 25));
  expect(held.find(of(59, 60))).toEqual(bytes.subarray(59, 60));
  expect(held.find(of(24, 26))).toBeNull();
  expect(held.find(of(4, 6))).toBeNull();
  expect(held.find(of(40, 41))).toBeNull();
  expect(held.find(of(10, 11, 1))).toBeNull();
});
