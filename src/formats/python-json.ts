import { randomBytes } from "node:crypto";

/** Numbers that Python's json module writes and reads, and JSON does not have. */
const NUMBERS = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);
/** What may follow a value: a number before a colon would be a key. */
const END_OF_VALUE = /[ \t\r\n]*(?:[,\]}]|$)/y;

/**
 * Parses JSON as Python's json module understands it, which writes most files beside weights: NaN, Infinity and -Infinity are
 * numbers there. Nothing else is taken that JSON does not have.
 *
 * @throws SyntaxError with a clause that quotes nothing of the text
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Read again below, where more is understood.
  }
  // No text holds it already: it is drawn anew every time.
  const mark = randomBytes(16).toString("hex");
  const { json, hasComment } = quoteNumbers(text, mark);
  try {
    return JSON.parse(json, (_key, value: unknown) => {
      if (typeof value !== "string" || !value.startsWith(mark)) return value;
      return NUMBERS.get(value.slice(mark.length)) ?? value;
    });
  } catch {
    throw new SyntaxError(hasComment ? "it holds a comment, which JSON does not have" : "it is not valid JSON");
  }
}

/** The text with the numbers above, outside of strings and where a value ends, as strings that begin with `mark`. */
function quoteNumbers(text: string, mark: string): { readonly json: string; readonly hasComment: boolean } {
  const pieces: string[] = [];
  let hasComment = false;
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (char === "/" && (text[at + 1] === "/" || text[at + 1] === "*")) hasComment = true;
    const number = char === "N" || char === "I" || char === "-" ? numberAt(text, at) : null;
    if (number === null) {
      at++;
      continue;
    }
    pieces.push(text.slice(from, at), `"${mark}${number}"`);
    at += number.length;
    from = at;
  }
  return { json: [...pieces, text.slice(from)].join(""), hasComment };
}

function numberAt(text: string, at: number): string | null {
  for (const number of NUMBERS.keys()) {
    if (!text.startsWith(number, at)) continue;
    END_OF_VALUE.lastIndex = at + number.length;
    if (END_OF_VALUE.test(text)) return number;
  }
  return null;
}

/** Behind the string that begins at `at`, or the end of the text. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}
