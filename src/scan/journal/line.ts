import { crc32 } from "node:zlib";
import { toHex } from "../../fingerprint/hex.ts";
import { blake3 } from "../../kernels/blake3.ts";

/**
 * A line of a journal is `{"check":"<32 hex digits>",<body>}`: a JSON object of two fields. The check is BLAKE3 over the
 * check of the line before and the body, so that no line can be altered, left out or moved unnoticed; a line that was
 * cut off by a crash has no newline.
 */
const PREFIX = '{"check":"';
const CHECK_DIGITS = 32;
const AFTER_CHECK = '",';
const BODY_AT = PREFIX.length + CHECK_DIGITS + AFTER_CHECK.length;

/** What the first line is chained to. */
export const NO_CHECK = "";

const utf8 = new TextEncoder();

function checkOf(previous: string, body: string): string {
  return toHex(blake3(utf8.encode(`${previous}\n${body}`)).subarray(0, CHECK_DIGITS / 2));
}

/** One kind of line, and what it says. */
export type LineKind = "scan" | "item" | "end";

export interface JournalLine {
  readonly kind: LineKind;
  readonly value: unknown;
  readonly check: string;
}

/** The text of a line, its newline included, and its check. */
export function writeLine(previous: string, kind: LineKind, value: unknown): { text: string; check: string } {
  const body = `${JSON.stringify(kind)}:${JSON.stringify(value)}`;
  const check = checkOf(previous, body);
  return { text: `${PREFIX}${check}${AFTER_CHECK}${body}}\n`, check };
}

/** What a line says (without its newline), or null when it is not the line that was written after `previous`. */
export function readLine(previous: string, line: string): JournalLine | null {
  const body = line.slice(BODY_AT, -1);
  const check = checkOf(previous, body);
  // Every character counts: what the check does not cover has only one way to be.
  if (line !== `${PREFIX}${check}${AFTER_CHECK}${body}}`) return null;
  try {
    return { ...contentOf(line), check };
  } catch {
    // No JSON: the check is right, and another hand made it.
    return null;
  }
}

/** The content of a line whose check was held before. */
export function contentOf(line: string): Omit<JournalLine, "check"> {
  const [, [kind, value] = []] = Object.entries(JSON.parse(line) as object);
  return { kind: kind as LineKind, value };
}

/** Tells whether a line is still the one that was read or written before: without the line before it, its check cannot. */
export function lineSum(line: Uint8Array): number {
  return crc32(line);
}
