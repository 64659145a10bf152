import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { CHUNK_BYTES, FIRST_CHUNK_BYTES, MAX_HEADER_BYTES } from "./limits.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Walks through a header from its beginning, in pieces of a few mebibytes. Whoever takes something asks first whether it is
 * `has`, and waits for `need` where it is not: most of what is taken is there, and a million waits take seconds.
 */
export class HeaderCursor {
  /** Set when the version was read. */
  littleEndian = true;
  readonly #source: ByteSource;
  /** Offset in the file of the bytes that are held. */
  #base = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Offset in the file of what comes next. */
  get position(): number {
    return this.#base + this.#at;
  }

  get location(): string {
    return this.#source.location;
  }

  has(bytes: number): boolean {
    return this.#at + bytes <= this.#view.byteLength;
  }

  /**
   * Reads on until `bytes` more are held.
   *
   * @throws GGUF_TRUNCATED, GGUF_LIMIT, what the source throws
   */
  async need(bytes: number): Promise<void> {
    this.#requireInside(bytes);
    const start = this.position;
    const chunk = start === 0 ? FIRST_CHUNK_BYTES : CHUNK_BYTES;
    const end = Math.min(this.#source.size, MAX_HEADER_BYTES, start + Math.max(bytes, chunk));
    const read = await this.#source.read(start, end);
    this.#base = start;
    this.#view = new DataView(read.buffer, read.byteOffset, read.byteLength);
    this.#at = 0;
  }

  /**
   * Passes over bytes, which are not read unless they are held already.
   *
   * @throws GGUF_TRUNCATED, GGUF_LIMIT
   */
  skip(bytes: number): void {
    this.#requireInside(bytes);
    this.#at += bytes;
  }

  #requireInside(bytes: number): void {
    const end = this.position + bytes;
    if (end > this.#source.size) {
      throw new WeightmarkError("GGUF_TRUNCATED", `the header needs ${end} bytes, the file has ${this.#source.size}`, {
        file: this.location,
      });
    }
    if (end > MAX_HEADER_BYTES) {
      throw new WeightmarkError("GGUF_LIMIT", `the header has more than ${MAX_HEADER_BYTES} bytes`, {
        file: this.location,
      });
    }
  }

  u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  i8(): number {
    return this.#view.getInt8(this.#at++);
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), this.littleEndian);
  }

  i16(): number {
    return this.#view.getInt16(this.#step(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), this.littleEndian);
  }

  i32(): number {
    return this.#view.getInt32(this.#step(4), this.littleEndian);
  }

  f32(): number {
    return this.#view.getFloat32(this.#step(4), this.littleEndian);
  }

  f64(): number {
    return this.#view.getFloat64(this.#step(8), this.littleEndian);
  }

  i64(): number | bigint {
    return exact(this.#view.getBigInt64(this.#step(8), this.littleEndian));
  }

  u64(): number | bigint {
    return exact(this.#view.getBigUint64(this.#step(8), this.littleEndian));
  }

  /** A length, count or offset: what no number can hold exactly comes back as Infinity, which every limit refuses. */
  size(): number {
    const at = this.#step(8);
    const [low, high] = this.littleEndian ? [at, at + 4] : [at + 4, at];
    const value =
      this.#view.getUint32(high, this.littleEndian) * 2 ** 32 + this.#view.getUint32(low, this.littleEndian);
    return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
  }

  /** The next bytes as text, null where they are no UTF-8. */
  text(bytes: number): string | null {
    const at = this.#step(bytes);
    try {
      return UTF8.decode(new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, bytes));
    } catch {
      return null;
    }
  }

  #step(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
