import { WeightmarkError } from "../errors.ts";
import { crc16 } from "../watermark/message/ecc/crc16.ts";

const LINES = 4;
/** Hex digits of the digest in a line, and of its check. */
const LINE = 16;
const CHECK = 4;

/**
 * A digest of 64 hex digits to be printed and typed again: four lines of four groups of four, and behind each a group that
 * tells a wrong digit, or a line in another's place.
 */
export function printedDigest(digest: string): string[] {
  return Array.from({ length: LINES }, (_, line) => {
    const digits = digest.slice(line * LINE, (line + 1) * LINE);
    return [...digits.match(/.{4}/g)!, checkOf(line, digits)].join(" ");
  });
}

/**
 * The digest in what somebody typed: as `printedDigest` gives it, or the 64 digits by themselves; blanks and case do not count.
 *
 * @throws USAGE, naming the line that is wrong
 */
export function parsePrintedDigest(text: string): string {
  const digits = text.replace(/\s/g, "").toLowerCase();
  if (!/^[0-9a-f]*$/.test(digits))
    throw new WeightmarkError("USAGE", "the digest holds something else than hex digits");
  if (digits.length === LINES * LINE) return digits;
  if (digits.length !== LINES * (LINE + CHECK)) {
    throw new WeightmarkError(
      "USAGE",
      `the digest has ${digits.length} digits, not 64, or 80 with those of the checks`,
    );
  }
  const lines = Array.from({ length: LINES }, (_, line) =>
    digits.slice(line * (LINE + CHECK), (line + 1) * (LINE + CHECK)),
  );
  const wrong = lines.findIndex((line, i) => checkOf(i, line.slice(0, LINE)) !== line.slice(LINE));
  if (wrong >= 0) {
    throw new WeightmarkError("USAGE", `line ${wrong + 1} of the digest has a wrong digit`, {
      detail: "Compare that line with the printed one and type it again.",
    });
  }
  return lines.map((line) => line.slice(0, LINE)).join("");
}

/** CRC-16 of the number of the line and its bytes. */
function checkOf(line: number, digits: string): string {
  const bytes = Buffer.concat([Uint8Array.of(line), Buffer.from(digits, "hex")]);
  return crc16(bytes).toString(16).padStart(CHECK, "0");
}
