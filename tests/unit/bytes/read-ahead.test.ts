import { describe, expect, it } from "vitest";
import { canPrefetch, type PrefetchingSource } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { BlockMemory, withReadAhead } from "../../../src/bytes/read-ahead.ts";
import { refusal } from "../../support/refusal.ts";

const MIB = 1 << 20;
const BLOCK = 4 * MIB;

/** A far-away file of `mib` MiB and a bit, with the ranges that it was asked for. */
function farAway(mib: number) {
  const bytes = new Uint8Array(mib * MIB + 123);
  for (let i = 0; i < bytes.length; i += 97) bytes[i] = (i * 31) >>> 7;
  const local = memorySource(bytes, "far");
  const asked: [number, number][] = [];
  const source: PrefetchingSource = {
    location: local.location,
    size: local.size,
    verifyUnchanged: local.verifyUnchanged,
    close: local.close,
    async read(start, end) {
      asked.push([start, end]);
      return local.read(start, end);
    },
    async prefetch() {},
  };
  return { bytes, source, asked };
}

describe("a source that is read through", () => {
  it("is fetched in blocks, each once, whatever the pieces", async () => {
    const { bytes, source, asked } = farAway(13);
    const ahead = withReadAhead(source, new BlockMemory());
    for (let at = 0; at < bytes.length; at += 77_777) {
      const end = Math.min(at + 77_777, bytes.length);
      expect(Buffer.compare(await ahead.read(at, end), bytes.subarray(at, end))).toBe(0);
    }
    expect(asked).toEqual([0, 1, 2, 3].map((i) => [i * BLOCK, Math.min((i + 1) * BLOCK, bytes.length)]));
  });

  it("has the next block under way while one is used", async () => {
    const { source, asked } = farAway(13);
    const ahead = withReadAhead(source, new BlockMemory());
    await ahead.read(0, 10);
    expect(asked.map(([start]) => start / BLOCK)).toEqual([0, 1]);
    // Anyone who jumps goes nowhere in particular.
    await ahead.read(3 * BLOCK, 3 * BLOCK + 1);
    expect(asked.map(([start]) => start / BLOCK)).toEqual([0, 1, 3]);
  });

  it("keeps no more than eight blocks of all files together", async () => {
    const memory = new BlockMemory();
    const files = [farAway(21), farAway(21)];
    const sources = files.map(({ source }) => withReadAhead(source, memory));
    // Backwards, so that nothing is read ahead.
    for (const source of sources) for (let i = 5; i >= 0; i--) await source.read(i * BLOCK, i * BLOCK + 1);
    const before = files[0]!.asked.length;
    // The block that was used last of the first file is kept still, the first one is not.
    await sources[0]!.read(1, 2);
    expect(files[0]!.asked).toHaveLength(before);
    await sources[0]!.read(5 * BLOCK, 5 * BLOCK + 1);
    expect(files[0]!.asked).toHaveLength(before + 1);
  });

  it("leaves large reads and wrong ones to the source", async () => {
    const { bytes, source, asked } = farAway(13);
    const ahead = withReadAhead(source, new BlockMemory());
    expect(canPrefetch(ahead)).toBe(false);
    await ahead.read(1, BLOCK + 2);
    expect(await ahead.read(7, 7)).toHaveLength(0);
    expect(asked).toEqual([
      [1, BLOCK + 2],
      [7, 7],
    ]);
    for (const [start, end] of [
      [-1, 5],
      [bytes.length - 1, bytes.length + 1],
      [5, 4],
    ] as const) {
      await refusal(ahead.read(start, end), "READ_OUT_OF_RANGE");
    }
  });

  it("asks again after a failure, of a block ahead as well", async () => {
    const { bytes, source, asked } = farAway(9);
    let failures = 2;
    const flaky: PrefetchingSource = {
      ...source,
      async read(start, end) {
        if (start > 0 && failures-- > 0) throw new Error("reset");
        return source.read(start, end);
      },
    };
    const ahead = withReadAhead(flaky, new BlockMemory());
    await ahead.read(0, 1);
    await expect(ahead.read(BLOCK, BLOCK + 1)).rejects.toThrow("reset");
    expect(await ahead.read(BLOCK, BLOCK + 1)).toEqual(bytes.slice(BLOCK, BLOCK + 1));
    expect(asked.length).toBeGreaterThan(1);
  });
});
