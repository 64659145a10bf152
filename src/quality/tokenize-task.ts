import { parsePythonJson } from "../formats/python-json.ts";
import type { Tokens } from "./windows.ts";

/** A text for one tokenizer: plain data, since it crosses threads. */
export interface TokenizeTask {
  readonly text: string;
  /** Bytes of tokenizer.json, and of tokenizer_config.json where there is one. */
  readonly tokenizer: Uint8Array;
  readonly config: Uint8Array | null;
}

/** Tokens, or what is wrong with which of the two files. */
export type TokenizeReply = Tokens | { readonly file: string; readonly problem: string };

/** The little of @huggingface/tokenizers used here. */
interface Library {
  readonly Tokenizer: new (tokenizer: object, config: object) => Encoder;
}

interface Encoder {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: readonly number[] };
}

export const TOKENIZER_FILE = "tokenizer.json";
export const CONFIG_FILE = "tokenizer_config.json";

/** A reason may quote the file. */
const MAX_REASON_LENGTH = 200;

class Unusable extends Error {
  readonly file: string;

  constructor(file: string, problem: string) {
    super(problem);
    this.file = file;
  }
}

/**
 * Encodes a text. The patterns of a tokenizer.json are regular expressions of the one who made it, and one that backtracks ends
 * after years (CWE-1333): only for threads that can be ended.
 */
export async function tokenizeTask(task: TokenizeTask): Promise<TokenizeReply> {
  try {
    const { Tokenizer } = (await import("@huggingface/tokenizers")) as unknown as Library;
    const config = task.config === null ? {} : parsed(task.config, CONFIG_FILE);
    const tokenizer = new Tokenizer(parsed(task.tokenizer, TOKENIZER_FILE), config);
    const ids = [...tokenizer.encode(task.text, { add_special_tokens: false }).ids];
    const prefix = prefixOf(tokenizer);
    if (![ids, prefix].every((list) => list.every((id) => Number.isSafeInteger(id) && id >= 0))) {
      throw new Unusable(TOKENIZER_FILE, "gives tokens that have no number");
    }
    return { sequences: [ids], prefix };
  } catch (error) {
    if (error instanceof Unusable) return { file: error.file, problem: error.message };
    const why = (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_LENGTH);
    return { file: TOKENIZER_FILE, problem: `cannot be used (${why})` };
  }
}

function parsed(bytes: Uint8Array, file: string): object {
  let value: unknown;
  try {
    value = parsePythonJson(new TextDecoder().decode(bytes));
  } catch {
    throw new Unusable(file, "is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Unusable(file, "is no JSON object");
}

/** What the tokenizer puts before a text. */
function prefixOf(tokenizer: Encoder): readonly number[] {
  const [plain, whole] = [false, true].map((add) => tokenizer.encode("a", { add_special_tokens: add }).ids);
  const at = whole!.findIndex((_, i) => plain!.every((id, k) => whole![i + k] === id));
  return at < 0 ? [] : whole!.slice(0, at);
}
