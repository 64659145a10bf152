import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ByteSource, canPrefetch, isSync, type SyncByteSource } from "../../../src/bytes/byte-source.ts";
import { joinedSource } from "../../../src/bytes/joined-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { sliceSource } from "../../../src/bytes/slice-source.ts";
import { Spool } from "../../../src/bytes/spool.ts";
import { announcedOnly } from "../../support/decoders.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

/** The same source without its synchronous side, closed and asked whether it changed by count. */
function plain(source: ByteSource) {
  const told = { closed: 0, verified: 0 };
  const { location, size } = source;
  const later: ByteSource = {
    location,
    size,
    read: (start, end) => source.read(start, end),
    verifyUnchanged: async () => void told.verified++,
    close: async () => void told.closed++,
  };
  return { later, told };
}

async function* chunks(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

describe("sliceSource", () => {
  it("is the bytes in between, whatever it is of", async () => {
    const near = sliceSource(memorySource(bytes), { start: 10, end: 20, location: "s" }) as SyncByteSource;
    expect(isSync(near)).toBe(true);
    expect(await near.read(2, 5)).toEqual(bytes.subarray(12, 15));
    const target = new Uint8Array(3);
    near.readIntoSync(target, 7);
    expect(target).toEqual(bytes.subarray(17, 20));
    expect(() => near.readIntoSync(target, 8)).toThrow(/asked of 10/);
    await refusal(near.read(9, 11), "READ_OUT_OF_RANGE");
    const far = sliceSource(announcedOnly(memorySource(bytes)), { start: 10, end: 20, location: "s" });
    if (!canPrefetch(far)) throw new Error("cannot prefetch");
    await far.prefetch([{ start: 1, end: 4 }]);
    expect(await far.read(1, 4)).toEqual(bytes.subarray(11, 14));
    await refusal(far.prefetch([{ start: 1, end: 14 }]), "READ_OUT_OF_RANGE");
  });

  it("closes what it owns alone", async () => {
    const { later, told } = plain(memorySource(bytes));
    const lent = sliceSource(later, { start: 0, end: 1, location: "s" });
    expect(isSync(lent) || canPrefetch(lent)).toBe(false);
    await lent.verifyUnchanged();
    await lent.close();
    expect(told).toEqual({ closed: 0, verified: 1 });
    await sliceSource(later, { start: 0, end: 1, location: "s", owns: true }).close();
    expect(told.closed).toBe(1);
    expect(() => sliceSource(later, { start: 0, end: 101, location: "s" })).toThrow(/asked of 100/);
  });
});

describe("joinedSource", () => {
  const parts = [bytes.subarray(0, 30), bytes.subarray(30, 30), bytes.subarray(30, 31), bytes.subarray(31)];

  it("gives every range of what was split", async () => {
    const joined = joinedSource(
      parts.map((part) => memorySource(part)),
      "j",
    ) as SyncByteSource;
    expect(joined.size).toBe(100);
    for (const [start, end] of [
      [0, 100],
      [29, 32],
      [30, 31],
      [31, 31],
      [99, 100],
      [0, 0],
      [100, 100],
    ] as const) {
      expect(await joined.read(start, end)).toEqual(bytes.slice(start, end));
      const target = new Uint8Array(end - start);
      joined.readIntoSync(target, start);
      expect(target).toEqual(bytes.slice(start, end));
    }
    await refusal(joined.read(0, 101), "READ_OUT_OF_RANGE");
  });

  it("announces to each part what is its own, and closes all", async () => {
    const { later, told } = plain(memorySource(parts[3]!));
    const joined = joinedSource([announcedOnly(memorySource(parts[0]!)), later], "j");
    if (!canPrefetch(joined)) throw new Error("cannot prefetch");
    await joined.prefetch([{ start: 25, end: 35 }]);
    expect(await joined.read(25, 35)).toEqual(Uint8Array.from([...bytes.subarray(25, 30), ...bytes.subarray(31, 36)]));
    await refusal(joined.prefetch([{ start: 0, end: 1000 }]), "READ_OUT_OF_RANGE");
    await joined.verifyUnchanged();
    await joined.close();
    expect(told).toEqual({ closed: 1, verified: 1 });
    expect(canPrefetch(joinedSource([later], "j"))).toBe(false);
  });
});

describe("Spool", () => {
  it("keeps what is written, under no name", async () => {
    const directory = temporaryDirectory();
    const spool = new Spool(directory);
    const [a, b, none] = await Promise.all([
      spool.add(chunks(bytes, bytes)),
      spool.add(chunks(bytes)),
      spool.add(chunks()),
    ]);
    expect(readdirSync(directory)).toEqual([]);
    const second = spool.source(b!, "b");
    expect(await second.read(0, 100)).toEqual(bytes);
    const target = new Uint8Array(10);
    spool.source(a!, "a").readIntoSync(target, 95);
    expect(target).toEqual(Uint8Array.from([...bytes.subarray(95), ...bytes.subarray(0, 5)]));
    expect(await spool.source(none!, "none").read(0, 0)).toHaveLength(0);
    await refusal(second.read(0, 101), "READ_OUT_OF_RANGE");
    await second.verifyUnchanged();
    await second.close();
    await spool.close();
    await spool.close();
  });

  it("goes on after a writer that failed", async () => {
    const spool = new Spool(temporaryDirectory());
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new RangeError("no more");
    }
    await expect(spool.add(failing())).rejects.toThrow("no more");
    expect(await spool.source(await spool.add(chunks(bytes)), "s").read(0, 100)).toEqual(bytes);
    await spool.close();
  });

  it("says what to do where nothing can be written", async () => {
    const directory = join(temporaryDirectory(), "missing");
    const refused = await refusal(new Spool(directory).add(chunks(bytes)), "WRITE_FAILED");
    expect(refused.message).toMatch(/ENOENT/);
    expect(refused.detail).toMatch(/TMPDIR/);
    mkdirSync(directory);
    await new Spool(directory).close();
  });
});
