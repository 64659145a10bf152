import { WeightmarkError } from "../../errors.ts";
import type { ByteRange } from "../byte-source.ts";
import { PassingFailure } from "./failure.ts";
import type { HttpReply } from "./http-client.ts";

/** Bytes of a file that a 206 is, and of how many, or null where the server does not say. */
export interface ContentRange extends ByteRange {
  readonly total: number | null;
}

function rangeWrong(message: string, location: string): WeightmarkError {
  return new WeightmarkError("HTTP_RANGE_WRONG", message, { file: location });
}

/** A count in a header; refuses what cannot be held exactly. Null where there is none. */
export function byteCount(text: string | undefined, location: string): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,20}$/.test(text)) throw rangeWrong("a header is no number of bytes", location);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw rangeWrong("the file is larger than can be addressed exactly", location);
  return value;
}

/**
 * Reads Content-Range (RFC 9110, 14.4) of a 206.
 *
 * @throws HTTP_RANGE_WRONG
 */
export function contentRange(headers: HttpReply["headers"], location: string): ContentRange {
  const match = /^bytes (\d{1,20})-(\d{1,20})\/(\d{1,20}|\*)$/.exec(headers.get("content-range") ?? "");
  if (match === null) throw rangeWrong("the server does not say which bytes it sent", location);
  const [start, last] = [byteCount(match[1], location)!, byteCount(match[2], location)!];
  const total = match[3] === "*" ? null : byteCount(match[3], location);
  // Of the very last byte that can be addressed the end cannot.
  if (last < start || !Number.isSafeInteger(last + 1) || (total !== null && last >= total)) {
    throw rangeWrong("the server sent a range that cannot be", location);
  }
  return { start, end: last + 1, total };
}

/** The size that Content-Range of a 416 should say, or null where it does not. */
export function unsatisfiedSize(headers: HttpReply["headers"], location: string): number | null {
  const match = /^bytes \*\/(\d{1,20})$/.exec(headers.get("content-range") ?? "");
  return match === null ? null : byteCount(match[1], location);
}

/** Refuses bodies that are not the plain bytes at rest. */
export function requirePlain(headers: HttpReply["headers"], location: string): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  const transfer = headers.get("transfer-encoding") ?? "chunked";
  if (/^identity$/i.test(encoding) && /^(?:chunked|identity)$/i.test(transfer)) return;
  throw new WeightmarkError("HTTP_BODY_WRONG", "the server sends the file compressed, not as it is", {
    file: location,
  });
}

/**
 * Fills `target` from `filled` on with the whole of a body that must be exactly as long.
 *
 * @param onFilled told after every piece how many bytes of `target` are there
 * @throws HTTP_BODY_WRONG when it is longer, `PassingFailure` when it is shorter
 */
export async function fillExactly(
  reply: HttpReply,
  target: Uint8Array,
  filled: number,
  location: string,
  onFilled: (bytes: number) => void,
): Promise<void> {
  requirePlain(reply.headers, location);
  const length = target.length - filled;
  const announced = byteCount(reply.headers.get("content-length"), location);
  const wrong = (bytes: string) =>
    new WeightmarkError("HTTP_BODY_WRONG", `the body has ${bytes} bytes where ${length} belong`, { file: location });
  if (announced !== null && announced !== length) throw wrong(String(announced));
  let at = filled;
  try {
    for await (const chunk of reply.chunks(length)) {
      if (chunk.length > target.length - at) throw wrong(`more than ${length}`);
      target.set(chunk, at);
      at += chunk.length;
      onFilled(at);
    }
  } catch (error) {
    // Broken off after the last byte: nothing is missing.
    if (!(error instanceof PassingFailure) || at < target.length) throw error;
  }
  if (at < target.length) throw new PassingFailure("HTTP_CONNECTION_FAILED", "the body broke off");
}
