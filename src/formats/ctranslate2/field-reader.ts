import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";

/** What is read at a time: small variables and what describes them stand in it together. */
const WINDOW_BYTES = 64 << 10;
/** Bytes of a name, and the longest that V8 hashes as a whole (CWE-407). */
const MAX_NAME_BYTES = 4096;
/** Characters of all names together. */
const MAX_NAMES = 16 << 20;

/** Reads the little-endian fields of a model one after the other, in windows. */
export class FieldReader {
  readonly #source: ByteSource;
  #at = 0;
  #names = 0;
  #window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async u8(): Promise<number> {
    return (await this.#take(1)).readUInt8();
  }

  async u16(): Promise<number> {
    return (await this.#take(2)).readUInt16LE();
  }

  async u32(): Promise<number> {
    return (await this.#take(4)).readUInt32LE();
  }

  /** How many of something follow. */
  async count(most: number, what: string): Promise<number> {
    const count = await this.u32();
    if (count <= most) return count;
    throw new WeightmarkError("CT2_LIMIT", `${count} ${what}, more than ${most}`, { file: this.#source.location });
  }

  /** A text that ends with a NUL and holds no other: programs would see less of it. */
  async text(): Promise<string> {
    const length = await this.u16();
    if (length > MAX_NAME_BYTES) throw this.malformed(`a name of ${length} bytes`);
    const bytes = await this.#take(length);
    if (length < 2 || bytes.indexOf(0) !== length - 1) throw this.malformed("a name does not end where it should");
    this.#names += length;
    if (this.#names > MAX_NAMES) {
      throw new WeightmarkError("CT2_LIMIT", `names of more than ${MAX_NAMES} bytes`, { file: this.#source.location });
    }
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, -1));
    } catch {
      throw this.malformed("a name is not UTF-8");
    }
  }

  /** Passes over bytes of values; gives where they begin. */
  skip(bytes: number, tensor: string): number {
    const begin = this.#at;
    if (bytes > this.#source.size - begin) throw this.malformed(`its ${bytes} bytes are not all there`, tensor);
    this.#at += bytes;
    return begin;
  }

  requireEnd(): void {
    const left = this.#source.size - this.#at;
    if (left > 0) throw this.malformed(`${left} bytes stand behind the end of the model`);
  }

  malformed(message: string, tensor?: string): WeightmarkError {
    return new WeightmarkError("CT2_MALFORMED", message, { file: this.#source.location, tensor });
  }

  async #take(bytes: number): Promise<Buffer> {
    const { size } = this.#source;
    if (bytes > size - this.#at) throw this.malformed(`the file ends at byte ${size}, in the middle of the model`);
    const isIn = this.#at >= this.#window.start && this.#at + bytes <= this.#window.start + this.#window.bytes.length;
    if (!isIn) {
      const read = await this.#source.read(this.#at, Math.min(size, this.#at + WINDOW_BYTES));
      this.#window = { start: this.#at, bytes: Buffer.from(read.buffer, read.byteOffset, read.byteLength) };
    }
    const from = this.#at - this.#window.start;
    this.#at += bytes;
    return this.#window.bytes.subarray(from, from + bytes);
  }
}
