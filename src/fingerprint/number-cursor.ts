import type { SignRows } from "./deep-part.ts";

/** Takes runs of numbers one after the other; of what is not there it takes less, and is at no end. */
export class Cursor<T extends Uint32Array | Float32Array | Int8Array> {
  #at = 0;
  readonly #numbers: T;

  constructor(numbers: T) {
    this.#numbers = numbers;
  }

  take(length: number): T {
    const from = this.#at;
    this.#at += length;
    return this.#numbers.subarray(from, this.#at) as T;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#numbers.length;
  }
}

/** Words where they lie, at an address that is a multiple of four. */
export function words32(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
}

/** Bits behind the last of a row, which would count as signs. */
export function hasStrayBits({ width, words }: SignRows): boolean {
  const used = width % 32;
  const length = Math.ceil(width / 32);
  if (used === 0) return false;
  for (let at = length - 1; at < words.length; at += length) if (words[at]! >>> used !== 0) return true;
  return false;
}
