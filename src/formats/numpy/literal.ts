import { MAX_RANK } from "../safetensors/limits.ts";

/** What the header of an array says. */
export interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** One token of the literal: a text, a number, a word or a mark. White space between them does not matter. */
const TOKEN = /[ \n]*(?:'([^'\\\n]{0,64})'|(\d{1,20})L?|(True|False)|([{}():,[\]]))/y;

/**
 * Parses the literal of a header: a Python dict with exactly the keys that numpy writes, each once. Nothing else of Python is
 * understood.
 *
 * @returns null for anything else; a descr that is no text (records) is given as "["
 */
export function parseHeader(text: string): NpyHeader | null {
  const tokens = tokensOf(text);
  if (tokens === null || tokens.shift() !== "{") return null;
  const fields = new Map<string, unknown>();
  for (let token = tokens.shift(); token !== "}"; token = tokens.shift()) {
    if (token === undefined || !token.startsWith("'") || fields.has(token) || tokens.shift() !== ":") return null;
    const value = fieldOf(token, tokens);
    if (value === null) return null;
    fields.set(token, value);
    // Records are refused anyway, and what they hold is not looked at.
    if (value === "[") break;
    if (tokens[0] !== "}" && tokens.shift() !== ",") return null;
  }
  const descr = fields.get("'descr") as string;
  if (descr === "[") return { descr, fortranOrder: false, shape: [] };
  if (fields.size !== 3 || tokens.length > 0) return null;
  return { descr, fortranOrder: fields.get("'fortran_order") as boolean, shape: fields.get("'shape") as number[] };
}

/** Tokens in order, texts behind an apostrophe; null where something is none. */
function tokensOf(text: string): string[] | null {
  const tokens: string[] = [];
  const bare = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < bare.length) {
    const found = TOKEN.exec(bare);
    if (found === null) return null;
    const [, quoted, number, word, mark] = found;
    tokens.push(quoted === undefined ? (number ?? word ?? mark)! : `'${quoted}`);
  }
  return tokens;
}

/** The value of one of the three keys, of its type; null for any other. */
function fieldOf(key: string, tokens: string[]): unknown {
  const token = tokens.shift();
  if (key === "'descr") return token === "[" ? token : token?.startsWith("'") ? token.slice(1) : null;
  if (key === "'fortran_order") return token === "True" ? true : token === "False" ? false : null;
  return key === "'shape" && token === "(" ? shapeOf(tokens) : null;
}

/** The counts of a tuple up to its end; a tuple of one has a comma behind it. */
function shapeOf(tokens: string[]): number[] | null {
  const shape: number[] = [];
  for (let token = tokens.shift(); token !== ")"; token = tokens.shift()) {
    const count = token !== undefined && /^\d/.test(token) ? Number(token) : Number.NaN;
    if (!Number.isSafeInteger(count) || shape.push(count) > MAX_RANK) return null;
    if (tokens[0] === ",") tokens.shift();
    else if (tokens[0] !== ")" || shape.length === 1) return null;
  }
  return shape;
}
