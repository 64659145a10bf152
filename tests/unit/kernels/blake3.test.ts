import { readFileSync } from "node:fs";
import { blake3 as blake3Noble } from "@noble/hashes/blake3.js";
import { describe, expect, test } from "vitest";
import { Blake3, blake3 } from "../../../src/kernels/blake3.ts";
import { loadKernels } from "../../../src/kernels/load-kernels.ts";

interface Vectors {
  readonly vectors: readonly { readonly length: number; readonly digest: string }[];
}

const { vectors } = JSON.parse(readFileSync(new URL("../../vectors/blake3.json", import.meta.url), "utf8")) as Vectors;

const input = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const agree = (bytes: Uint8Array): boolean => hex(blake3(bytes)) === hex(blake3Noble(bytes));

const CHUNK = 1024;
/** Trees of every shape up to 40 chunks, then those about the powers of two up to three of the largest subtree hashed at once. */
const CHUNKS = [
  ...Array.from({ length: 40 }, (_, i) => i + 1),
  ...[64, 128, 256, 512, 1024, 2048].flatMap((power) => [power - 1, power, power + 1, power + power / 2]),
];

describe("blake3", () => {
  test.each(vectors)("$length bytes", ({ length, digest }) => {
    expect(hex(blake3(input(length)))).toBe(digest);
  });

  test.each(vectors)("the oracle of the other tests, $length bytes", ({ length, digest }) => {
    expect(hex(blake3Noble(input(length)))).toBe(digest);
  });

  test("every length of up to four chunks and a block", () => {
    const bytes = input(4 * CHUNK + 64);
    const wrong = [...Array(bytes.length + 1).keys()].filter((n) => !agree(bytes.subarray(0, n)));
    expect(wrong).toEqual([]);
  });

  test.each(CHUNKS)("%i chunks, and a block or a byte less or more", (chunks) => {
    const bytes = input(chunks * CHUNK + 65);
    const apart = chunks <= 129 ? [-65, -64, -63, -1, 0, 1, 63, 64, 65] : [-1, 0, 1];
    const wrong = apart.map((more) => chunks * CHUNK + more).filter((n) => !agree(bytes.subarray(0, n)));
    expect(wrong).toEqual([]);
  });

  test.each([1, 63, 64, 1000, 1024, 1025, 4096, 5000, 131_072, 999_983])("in pieces of %i bytes", (piece) => {
    const bytes = input(1_572_864);
    const hash = new Blake3();
    const total = piece < 64 ? 20_000 : bytes.length;
    for (let at = 0; at < total; at += piece) hash.update(bytes.subarray(at, Math.min(at + piece, total)));
    expect(hex(hash.digest())).toBe(hex(blake3(bytes.subarray(0, total))));
  });

  test("a digest taken on the way changes nothing", () => {
    const bytes = input(10_000);
    const hash = new Blake3().update(bytes.subarray(0, 4096));
    expect(hex(hash.digest())).toBe(hex(blake3(bytes.subarray(0, 4096))));
    expect(hex(hash.update(bytes.subarray(4096)).digest())).toBe(hex(blake3(bytes)));
  });

  test("hashes bytes that already lie in the memory of the kernels", () => {
    const { arena } = loadKernels();
    const bytes = input(70_001);
    arena.scope(() => {
      const pointer = arena.alloc(bytes.length);
      arena.u8(pointer, bytes.length).set(bytes);
      expect(hex(new Blake3().updateAt(pointer, bytes.length).digest())).toBe(hex(blake3(bytes)));
    });
  });
});
