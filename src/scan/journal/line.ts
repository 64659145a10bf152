import { toHex } from "../../fingerprint/hex.ts";
import { blake3 } from "../../kernels/blake3.ts";

/**
 * A line of a journal is `{"check":"<32 hex digits>",<body>}`: a JSON object of two fields. The check is BLAKE3 over the
 * check of the line before and the body, so that no line can be altered, left out or moved unnoticed; a line that was
 * cut off by a crash has no newline.
 */
const PREFIX = '{"check":"';
const CHECK_DIGITS = 32;
const BODY_AT = PREFIX.length + CHECK_DIGITS + 2;

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
  return { text: `${PREFIX}${check}",${body}}\n`, check };
}

/** What a line says (without its newline), or null when it is not the line that was written after `previous`. */
export function readLine(previous: string, line: string): JournalLine | null {
  const body = line.slice(BODY_AT, -1);
  const check = line.slice(PREFIX.length, PREFIX.length + CHECK_DIGITS);
  if (!line.startsWith(PREFIX) || !line.endsWith("}") || checkOf(previous, body) !== check) return null;
  return { ...contentOf(line), check };
}

/** The content of a line whose check was held before. */
export function contentOf(line: string): Omit<JournalLine, "check"> {
  const [, [kind, value] = []] = Object.entries(JSON.parse(line) as object);
  return { kind: kind as LineKind, value };
}
