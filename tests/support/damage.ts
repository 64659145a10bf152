import { fc } from "@fast-check/vitest";
import { expect } from "vitest";
import { type ErrorCode, WeightmarkError } from "../../src/errors.ts";

/** What a bad disk, cable or hand does to a file. */
export interface Damage {
  readonly kind: "flip" | "set" | "delete" | "insert" | "zero" | "repeat";
  /** Where, from 0 to 1. */
  readonly where: number;
  /** Of all bytes, of the first thousand, or of those that structure is made of. */
  readonly among: "all" | "head" | "marks";
  readonly value: number;
  /** Bytes that it takes. */
  readonly length: number;
}

/** Damage at random places; single bytes and bits mostly. */
export const damages: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom("flip", "set", "delete", "insert", "zero", "repeat"),
  where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  among: fc.constantFrom("all", "head", "marks"),
  value: fc.nat(255),
  length: fc.constantFrom(1, 1, 1, 2, 7, 64),
});

const MARKS = new Set(Buffer.from('{}[]",:\n\\'));

function placeOf(bytes: Uint8Array, { where, among }: Damage): number {
  if (among !== "marks") return Math.floor(where * (among === "all" ? bytes.length : Math.min(1000, bytes.length)));
  const marks = [...bytes.keys()].filter((i) => MARKS.has(bytes[i]!));
  return marks[Math.floor(where * marks.length)] ?? 0;
}

/** The file after it; the very same bytes at times, where a byte is set to what it was. */
export function damaged(original: Uint8Array, damage: Damage): Uint8Array {
  // A copy that shares nothing, which slices of a Buffer do.
  const bytes = new Uint8Array(original);
  const at = placeOf(bytes, damage);
  const end = Math.min(bytes.length, at + damage.length);
  const [before, taken, after] = [bytes.subarray(0, at), bytes.slice(at, end), bytes.subarray(end)];
  const first = (change: (byte: number) => number) => taken.map((byte, i) => (i === 0 ? change(byte) : byte));
  const instead: Record<Damage["kind"], () => readonly Uint8Array[]> = {
    flip: () => [first((byte) => byte ^ (1 << (damage.value & 7)))],
    set: () => [first(() => damage.value)],
    delete: () => [],
    insert: () => [new Uint8Array(damage.length).fill(damage.value), taken],
    zero: () => [new Uint8Array(taken.length)],
    repeat: () => [taken, taken],
  };
  return new Uint8Array(Buffer.concat([before, ...instead[damage.kind](), after]));
}

/** What a safetensors file may be called once its header is damaged: whose file it is cannot be known then. */
export const IN_ITS_HEADER =
  /^(?:ST_\w+|EMPTY_FILE|TEXT_FILE|HTML_PAGE|GIT_LFS_POINTER|COMPRESSED_FILE|UNSUPPORTED_CONTAINER)$/;

/** The answer to a damaged file: what was read of it, or the code of a refusal that says what to do. */
export type Answer<T> = { readonly read: T } | { readonly code: ErrorCode };

/** Awaits an answer. Whatever is no refusal of ours, a bug, or one that leaves its reader at a loss, fails the test. */
export async function answerOf<T>(reading: Promise<T>): Promise<Answer<T>> {
  try {
    return { read: await reading };
  } catch (error) {
    if (!(error instanceof WeightmarkError)) throw error;
    expect(error.kind, error.code).not.toBe("bug");
    if (!IN_ITS_HEADER.test(error.code)) expect(error.detail, error.code).toMatch(/\w{3}/);
    return { code: error.code };
  }
}
