import type { ByteSource } from "../../bytes/byte-source.ts";
import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { recogniseForeignFile } from "../foreign-file.ts";
import { MAX_HEADER_BYTES } from "./limits.ts";

/** Bytes of the length that stands before the header. */
export const PREFIX_BYTES = 8;

/** Why a file is refused. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  /** What to do next, where the code's own advice says less. */
  readonly detail?: string;
}

/** What to do about a file of which nothing is known. */
export const NO_SAFETENSORS =
  "Check that this is the .safetensors file that was meant, whole, undamaged and not encrypted.";

/** "8.0 EB": a size whose digits tell nobody anything. */
function roughly(bytes: bigint): string {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
  const power = Math.min(units.length - 1, Math.floor((bytes.toString().length - 1) / 3));
  return `${(Number(bytes) / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** No header, however wrong, is a terabyte long; the first eight letters of a text are thousands of them. */
const MAX_CREDIBLE_HEADER = 2n ** 40n;

/**
 * Whether a header begins where it should, or the file ends before it could, so that it is safetensors whatever else is
 * wrong with it.
 */
export function beginsHeader(head: Uint8Array): boolean {
  if (head.length < PREFIX_BYTES || announcedLength(head) > MAX_CREDIBLE_HEADER) return false;
  if (head.length === PREFIX_BYTES) return announcedLength(head) <= BigInt(MAX_HEADER_BYTES);
  return /^\s*\{/.test(Buffer.from(head.subarray(PREFIX_BYTES, PREFIX_BYTES + 64)).toString("latin1"));
}

/** The length of the header, as the first eight bytes have it. */
export function announcedLength(head: Uint8Array): bigint {
  return new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
}

/** Why these first bytes cannot begin a safetensors file of `size` bytes, or null. */
export function prefixProblem(head: Uint8Array, size: number): Problem | null {
  if (size === 0) return { code: "EMPTY_FILE", message: "the file is empty" };
  if (size < PREFIX_BYTES) return { code: "ST_TRUNCATED_PREFIX", message: `the file has only ${size} bytes` };
  const length = announcedLength(head);
  if (length === 0n) {
    const isBlank = head.length > PREFIX_BYTES && head.every((byte) => byte === 0);
    const message = isBlank ? `the file begins with ${head.length} zeros` : "the header has no bytes";
    return { code: "ST_HEADER_EMPTY", message };
  }
  const isTooLarge = length > BigInt(MAX_HEADER_BYTES);
  if (!isTooLarge && PREFIX_BYTES + Number(length) <= size) return null;
  const code = isTooLarge ? "ST_HEADER_TOO_LARGE" : "ST_HEADER_TRUNCATED";
  if (!beginsHeader(head)) {
    const bytes = Buffer.from(head.subarray(0, PREFIX_BYTES))
      .toString("hex")
      .replace(/..(?!$)/g, "$& ");
    const message = `no safetensors file: its first 8 bytes, ${bytes}, would announce a header of ${roughly(length)}`;
    return { code, message, detail: NO_SAFETENSORS };
  }
  if (isTooLarge) {
    const message = `the header claims ${roughly(length)}, more than the ${MAX_HEADER_BYTES} bytes it may have`;
    return { code, message };
  }
  return {
    code,
    message: `the header claims ${length} bytes, the file has ${size}`,
    detail: "Complete the download: the file ends within its header.",
  };
}

/** The refusal for a file that is no safetensors: by what it is when its first bytes or its name tell, else as given. */
export function notSafetensors(
  { code, message, detail }: Problem,
  head: Uint8Array,
  source: ByteSource,
): WeightmarkError {
  const { location: file, size } = source;
  // Less than a prefix may be the beginning of anything.
  const isOpen = size < PREFIX_BYTES || beginsHeader(head);
  const foreign = isOpen ? null : recogniseForeignFile(head, { name: file, size });
  switch (foreign?.by) {
    case "content":
      return new WeightmarkError(foreign.code, `the file is ${foreign.what}`, { file, detail: foreign.advice });
    case "name": {
      const named = `no safetensors file; by its name it is ${foreign.what}`;
      return new WeightmarkError(foreign.code, named, { file, detail: foreign.advice });
    }
    case "name against content": {
      const neither = `${message}; by its name it is ${foreign.what}, but it does not begin like one`;
      return new WeightmarkError(code, neither, {
        file,
        detail: "Fetch the file again: it is damaged, encrypted, or something else under this name.",
      });
    }
    default:
      return new WeightmarkError(code, message, { file, detail });
  }
}
