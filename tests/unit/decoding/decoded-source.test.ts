import { describe, expect, test } from "vitest";
import { canPrefetch, isSync } from "../../../src/bytes/byte-source.ts";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { decodedSource } from "../../../src/decoding/decoded-source.ts";
import { type Decoder, MAX_UNIT, PIECE_ELEMENTS } from "../../../src/decoding/decoder.ts";
import { loadKernels } from "../../../src/kernels/load-kernels.ts";
import { announcedOnly, reversedBlocks, slow } from "../../support/decoders.ts";
import { refusal } from "../../support/refusal.ts";

const STORED = Uint8Array.from({ length: 400 }, (_, i) => (i * 37) % 251);
/** Six values of blocks of four, a hole, four bytes as they are, and a block of another file. */
const PARTS = [
  { begin: 28, stored: { file: 0, start: 3, end: 7 } },
  { begin: 0, elements: 6, decoder: reversedBlocks(0, 10, 4, 2) },
  { begin: 32, elements: 3, decoder: reversedBlocks(1, 0, 3, 1) },
];

function f32(...values: number[]): Uint8Array {
  return new Uint8Array(new Float32Array(values).buffer);
}

function whole(): Uint8Array {
  const block = (at: number, length: number) => Array.from({ length }, (_, i) => STORED[at]! + STORED[at + 1 + i]!);
  const bytes = new Uint8Array(44);
  bytes.set(f32(...block(15, 4), ...block(10, 2)), 0);
  bytes.set(STORED.subarray(3, 7), 28);
  bytes.set(f32(...block(0, 3)), 32);
  return bytes;
}

const files = () => [memorySource(STORED, "a"), memorySource(STORED, "b")] as const;

describe("a decoded source", () => {
  test("holds values, plain bytes and zeros between them, from however many files", async () => {
    const source = decodedSource(PARTS, files(), "model");
    expect([source.location, source.size]).toEqual(["model", 44]);
    expect(await source.read(0, 44)).toEqual(whole());
    expect(await source.read(5, 5)).toEqual(new Uint8Array());
  });

  test("can do what its files can", async () => {
    const [a, b] = files();
    expect(isSync(decodedSource(PARTS, [a, b], ""))).toBe(true);
    expect(isSync(decodedSource(PARTS, [a, slow(b)], ""))).toBe(false);
    expect(canPrefetch(decodedSource(PARTS, [a, slow(b)], ""))).toBe(false);
    const far = decodedSource(PARTS, [a, announcedOnly(b)], "");
    if (!canPrefetch(far)) throw new Error("cannot prefetch");
    await far.prefetch([{ start: 33, end: 35 }]);
    expect(await far.read(30, 36)).toEqual(whole().subarray(30, 36));
    await far.prefetch([]);
    await expect(far.read(33, 35)).rejects.toThrow("not announced");
    await refusal(far.prefetch([{ start: 0, end: 45 }]), "READ_OUT_OF_RANGE");
  });

  test("notices that the kernels' memory grew under what is written to it", () => {
    const { arena, memory } = loadKernels();
    const read = (target: Uint8Array, stored: number, decode: Decoder["decode"]) => {
      const decoder: Decoder = { unit: 4, ranges: () => [{ file: 0, start: 0, end: stored }], decode };
      const source = decodedSource([{ begin: 0, elements: 4, decoder }], [memorySource(new Uint8Array(stored))], "");
      if (!isSync(source)) throw new Error("not synchronous");
      source.readIntoSync(target, 0);
    };
    const grow = () => void memory.grow(1);
    const lent = () => arena.scope(() => arena.u8(arena.alloc(16), 16));
    const refused = expect.objectContaining({ code: "INTERNAL" });
    // What is stored lies in that memory as long as it is short, values where they are asked for.
    expect(() => read(new Uint8Array(16), 5, grow)).toThrow(refused);
    expect(() => read(lent(), 1 << 19, grow)).toThrow(refused);
    expect(() => read(new Uint8Array(16), 1 << 19, grow)).not.toThrow();
    expect(() => read(lent(), 5, () => {})).not.toThrow();
  });

  test("refuses what lies outside, and layouts that are none", async () => {
    const source = decodedSource(PARTS, files(), "model");
    if (!isSync(source)) throw new Error("not synchronous");
    for (const [start, end] of [
      [-1, 3],
      [0, 45],
      [4, 3],
      [0.5, 1],
    ] as const)
      await refusal(source.read(start, end), "READ_OUT_OF_RANGE");
    expect(() => source.readIntoSync(new Uint8Array(2), 43)).toThrow("bytes 43 to 45 asked of 44");
    expect(() => decodedSource([PARTS[0]!, PARTS[0]!], files(), "")).toThrow("cannot be decoded");
    const huge = { ...PARTS[1]!, decoder: { ...reversedBlocks(0, 10, 4, 2), unit: MAX_UNIT + 1 } };
    expect(() => decodedSource([huge], files(), "")).toThrow("cannot be decoded");
    expect(decodedSource([], [], "").size).toBe(0);
  });

  test("decodes at most a mebibyte at a time, in whole units, and where it is wanted if that is aligned", async () => {
    const asked: [number, number][] = [];
    const unit = 96;
    const elements = PIECE_ELEMENTS * 2 + 5;
    const decoder: Decoder = {
      unit,
      ranges: () => [{ file: 0, start: 0, end: 1 }],
      decode(_stored, first, count, out) {
        expect(out.length).toBe(count);
        asked.push([first, count]);
        for (let i = 0; i < count; i++) out[i] = first + i;
      },
    };
    const source = decodedSource([{ begin: 0, elements, decoder }], files(), "");
    const bytes = await source.read(0, elements * 4);
    expect(new Float32Array(bytes.buffer).every((value, i) => value === i)).toBe(true);
    const step = Math.floor(PIECE_ELEMENTS / unit) * unit;
    expect(asked).toEqual([
      [0, step],
      [step, step],
      [2 * step, elements - 2 * step],
    ]);
    asked.length = 0;
    expect(await source.read(4 * 100 + 1, 4 * 100 + 2)).toEqual(f32(100).subarray(1, 2));
    expect(asked).toEqual([[96, 96]]);
  });

  test("closes its files and sees that they changed", async () => {
    const seen: string[] = [];
    const [a, b] = files().map((file) => ({
      ...file,
      close: async () => void seen.push(`close ${file.location}`),
      verifyUnchanged: async () => void seen.push(`verify ${file.location}`),
    }));
    const source = decodedSource(PARTS, [a!, b!], "");
    await source.verifyUnchanged();
    await source.close();
    expect(seen).toEqual(["verify a", "verify b", "close a", "close b"]);
  });
});
