import type { ByteSource } from "../../bytes/byte-source.ts";
import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { MAX_NAME_BYTES } from "../safetensors/limits.ts";
import { FIRST_WINDOW_BYTES, MAX_FIELDS, MAX_TEXT_BYTES, WINDOW_BYTES } from "./limits.ts";

/** A field of a protobuf message. */
export interface Field {
  /** Where its tag begins. */
  readonly at: number;
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 as many bytes as it says, 5 four bytes. */
  readonly wire: number;
  /** Of a varint, as a number with a sign; NaN beyond what numbers hold exactly. */
  readonly value: number;
  /** Bytes of the content: [start, end). */
  readonly start: number;
  readonly end: number;
}

/** Bytes of a varint at most, and so of a tag and a length. */
const MAX_VARINT_BYTES = 10;
const MAX_HEAD_BYTES = 2 * MAX_VARINT_BYTES;
const MAX_FIELD_NUMBER = 2 ** 29 - 1;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a protobuf message of any size field by field: whoever visits a field says what of its content is looked at, and
 * the rest is passed over without being read. One piece of the file is in memory at a time.
 */
export class WireCursor {
  readonly source: ByteSource;
  #window: Uint8Array = new Uint8Array(0);
  #start = 0;
  #fields = 0;
  #text = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  refusal(code: ErrorCode, message: string, tensor?: string): WeightmarkError {
    return new WeightmarkError(code, message, { file: this.source.location, tensor });
  }

  /**
   * Visits the fields of the message at [start, end) in their order.
   *
   * @throws ONNX_MALFORMED, ONNX_TRUNCATED, ONNX_LIMIT
   */
  async each(start: number, end: number, visit: (field: Field) => void | Promise<void>): Promise<void> {
    for (let at = start; at < end; ) {
      const head = Math.min(end, at + MAX_HEAD_BYTES);
      if (!this.#holds(at, head)) await this.#load(at, head);
      if (++this.#fields > MAX_FIELDS) throw this.refusal("ONNX_LIMIT", `more than ${MAX_FIELDS} fields`);
      const field = this.#fieldAt(at, end);
      // Awaited where there is something to wait for: a promise for each of millions of fields takes longer than they do.
      const waiting = visit(field);
      if (waiting !== undefined) await waiting;
      at = field.end;
    }
  }

  /**
   * Gives the text of a field to `use`, at once where it is in memory.
   *
   * @throws ONNX_LIMIT, ONNX_MALFORMED
   */
  text(field: Field, use: (text: string) => void): void | Promise<void> {
    const { start, end, wire } = field;
    if (wire !== 2) throw this.wrongType(field);
    if (end - start > MAX_NAME_BYTES) throw this.refusal("ONNX_LIMIT", `a name of ${end - start} bytes`);
    this.#text += end - start;
    if (this.#text > MAX_TEXT_BYTES) throw this.refusal("ONNX_LIMIT", `names of more than ${MAX_TEXT_BYTES} bytes`);
    if (this.#holds(start, end)) return use(this.#decoded(start, end));
    return this.#load(start, end).then(() => use(this.#decoded(start, end)));
  }

  /** The number of a field that is one, or of each of a packed list; none of more than `most`. */
  numbers(field: Field, most: number, use: (value: number) => void): void | Promise<void> {
    const { start, end, wire, value } = field;
    if (wire === 0) return use(value);
    if (wire !== 2) throw this.wrongType(field);
    if (end - start > most * MAX_VARINT_BYTES) {
      throw this.refusal("ONNX_LIMIT", `a list of ${end - start} bytes where at most ${most} numbers can be`);
    }
    const read = (): void => {
      for (let at = start; at < end; ) {
        const found = this.#varint(at, end);
        use(found.value);
        at = found.end;
      }
    };
    return this.#holds(start, end) ? read() : this.#load(start, end).then(read);
  }

  /** Refuses a field whose content is of another type than the one that its number stands for. */
  wrongType({ number, wire, at }: Field): WeightmarkError {
    return this.refusal("ONNX_MALFORMED", `field ${number} at byte ${at} is of wire type ${wire}`);
  }

  #holds(start: number, end: number): boolean {
    return start >= this.#start && end <= this.#start + this.#window.length;
  }

  /** Reads on where the piece ends, in larger and larger ones, and elsewhere in a small one: much is passed over. */
  async #load(start: number, end: number): Promise<void> {
    const held = this.#start + this.#window.length;
    const goesOn = start <= held && end > held && start >= this.#start;
    const size = goesOn ? Math.min(WINDOW_BYTES, 2 * this.#window.length) : FIRST_WINDOW_BYTES;
    const until = Math.min(this.source.size, Math.max(end, start + Math.max(size, FIRST_WINDOW_BYTES)));
    this.#window = await this.source.read(start, until);
    this.#start = start;
  }

  #decoded(start: number, end: number): string {
    try {
      return UTF8.decode(this.#window.subarray(start - this.#start, end - this.#start));
    } catch {
      throw this.refusal("ONNX_MALFORMED", `the name at byte ${start} is not UTF-8`);
    }
  }

  #fieldAt(at: number, end: number): Field {
    const { value: tag, end: afterTag } = this.#varint(at, end);
    const [number, wire] = [Math.floor(tag / 8), tag & 7];
    if (!(number >= 1 && number <= MAX_FIELD_NUMBER)) {
      throw this.refusal("ONNX_MALFORMED", `byte ${at} begins no field`);
    }
    if (wire === 0) {
      const { value, end: after } = this.#varint(afterTag, end);
      return { at, number, wire, value, start: afterTag, end: after };
    }
    if (wire !== 1 && wire !== 2 && wire !== 5) {
      throw this.refusal("ONNX_MALFORMED", `field ${number} at byte ${at} is of wire type ${wire}`);
    }
    const length = wire === 2 ? this.#varint(afterTag, end) : { value: wire === 1 ? 8 : 4, end: afterTag };
    const [start, after] = [length.end, length.end + length.value];
    if (!(length.value >= 0 && after <= end)) throw this.#cutOff(`field ${number} at byte ${at}`, after, end);
    return { at, number, wire, value: Number.NaN, start, end: after };
  }

  #varint(at: number, end: number): { readonly value: number; readonly end: number } {
    const window = this.#window;
    const first = at - this.#start;
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (at + i >= end) throw this.#cutOff(`a number at byte ${at}`, at + i + 1, end);
      const byte = window[first + i]!;
      // Seven bytes hold 49 bits, which add up exactly.
      if (i < 7) value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return { value: i < 7 ? value : this.#long(first, i + 1), end: at + i + 1 };
    }
    throw this.refusal("ONNX_MALFORMED", `the number at byte ${at} has more than ${MAX_VARINT_BYTES} bytes`);
  }

  /** A varint of more than seven bytes: of negative numbers ten. */
  #long(first: number, bytes: number): number {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 7n) | BigInt(this.#window[first + i]! & 0x7f);
    if (value >= 1n << 64n) throw this.refusal("ONNX_MALFORMED", "a number has more than 64 bits");
    const signed = Number(BigInt.asIntN(64, value));
    return Number.isSafeInteger(signed) ? signed : Number.NaN;
  }

  #cutOff(what: string, after: number, end: number): WeightmarkError {
    const isOfFile = after > this.source.size;
    if (isOfFile) return this.refusal("ONNX_TRUNCATED", `${what} goes on beyond the end of the file`);
    return this.refusal("ONNX_MALFORMED", `${what} goes on beyond byte ${end}, where its message ends`);
  }
}
