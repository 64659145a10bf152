import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { MAX_LONG_BYTES, MAX_NAME_BYTES, MAX_TEXT_BYTES } from "./limits.ts";

const NEW_LINE = 0x0a;

/** The bytes of a pickle from its first instruction on, read in order and never beyond their end. */
export class PickleBytes {
  /** Where the next byte is read. */
  at = 0;
  readonly #bytes: Buffer;
  readonly #file: string;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
  }

  refuse(code: ErrorCode, message: string): WeightmarkError {
    return new WeightmarkError(code, `at byte ${this.at} of the pickle: ${message}`, { file: this.#file });
  }

  #take(count: number): number {
    const start = this.at;
    if (count > this.#bytes.length - start) {
      throw this.refuse("PICKLE_TRUNCATED", `${count} more bytes are needed, ${this.#bytes.length - start} are there`);
    }
    this.at += count;
    return start;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  i32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** Eight bytes that count something: what is too large to be counted is larger than all limits. */
  u64(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#take(8)));
  }

  f64(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  /** A copy: what is kept of a pickle must not keep all of it. */
  bytes(count: number): Uint8Array {
    this.#requireText(count);
    const start = this.#take(count);
    return new Uint8Array(this.#bytes.subarray(start, start + count));
  }

  /** UTF-8, in which Python writes halves of surrogate pairs as if they were characters: kept apart as U+FFFD. */
  text(count: number): string {
    this.#requireText(count);
    const start = this.#take(count);
    return this.#bytes.toString("utf8", start, start + count);
  }

  latin1(count: number): string {
    this.#requireText(count);
    const start = this.#take(count);
    return this.#bytes.toString("latin1", start, start + count);
  }

  #requireText(count: number): void {
    if (count <= MAX_TEXT_BYTES) return;
    throw this.refuse("PICKLE_LIMIT", `a text of ${count} bytes, more than ${MAX_TEXT_BYTES}`);
  }

  /** A name up to the end of its line. */
  line(): string {
    const end = this.#bytes.indexOf(NEW_LINE, this.at);
    const isLong = (end < 0 ? this.#bytes.length : end) - this.at > MAX_NAME_BYTES;
    if (isLong) throw this.refuse("PICKLE_LIMIT", `a name of more than ${MAX_NAME_BYTES} bytes`);
    if (end < 0) throw this.refuse("PICKLE_TRUNCATED", "the pickle ends within a name");
    const start = this.#take(end + 1 - this.at);
    return this.#bytes.toString("utf8", start, end);
  }

  /** A whole number in two's complement of `count` bytes. */
  long(count: number): number | bigint {
    if (count > MAX_LONG_BYTES) throw this.refuse("PICKLE_LIMIT", `a whole number of ${count} bytes`);
    const start = this.#take(count);
    let value = 0n;
    for (let i = start + count - 1; i >= start; i--) value = (value << 8n) | BigInt(this.#bytes[i]!);
    const signed = BigInt.asIntN(8 * count, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }
}
