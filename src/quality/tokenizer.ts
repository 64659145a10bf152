import { dirname, join } from "node:path";
import { openFileSource } from "../bytes/file-source.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { resolveInside, resolveRoot } from "../checkpoint/inside-root.ts";
import { WeightmarkError } from "../errors.ts";
import { parsePythonJson } from "../formats/python-json.ts";
import type { Tokens } from "./windows.ts";

const PACKAGE = "@huggingface/tokenizers";
/** The largest published vocabularies take some 35 MB. */
const MAX_TOKENIZER_BYTES = 128 << 20;

/** The little of @huggingface/tokenizers used here. */
interface Library {
  readonly Tokenizer: new (tokenizer: object, config: object) => Encoder;
}

interface Encoder {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: readonly number[] };
}

/** A text as token ids of two models, and what was found out on the way. */
export interface Tokenized extends Tokens {
  readonly notes: readonly string[];
}

/**
 * Encodes a text with the tokenizer.json beside the models, by way of @huggingface/tokenizers. Where both have one they
 * must agree on this text. Throws TOKENIZER_UNUSABLE, TOKENIZERS_DIFFER.
 */
export async function tokenize(text: string, a: Checkpoint, b: Checkpoint): Promise<Tokenized> {
  const library = await loadLibrary();
  const first = await tokensOf(library, text, a);
  const second = await tokensOf(library, text, b);
  const tokens = first ?? second;
  if (tokens === null) {
    throw new WeightmarkError("TOKENIZER_UNUSABLE", "neither model has a tokenizer.json", {
      file: a.location,
      detail: "Give token ids with --token-ids instead of a text.",
    });
  }
  if (first !== null && second !== null && JSON.stringify(first) !== JSON.stringify(second)) {
    throw new WeightmarkError("TOKENIZERS_DIFFER", "the two models turn this text into different tokens", {
      file: b.location,
      detail: "Probabilities of different tokens cannot be compared.",
    });
  }
  const lone = first === null ? b : second === null ? a : null;
  const notes = lone === null ? [] : [`only ${lone.location} has a tokenizer.json: its tokens were given to both`];
  return { ...tokens, notes };
}

async function loadLibrary(): Promise<Library> {
  try {
    return (await import(PACKAGE)) as Library;
  } catch (cause) {
    throw new WeightmarkError("TOKENIZER_UNUSABLE", `${PACKAGE} is not installed`, {
      detail: `Install it, or give token ids with --token-ids instead of a text.`,
      cause,
    });
  }
}

async function tokensOf(library: Library, text: string, checkpoint: Checkpoint): Promise<Tokens | null> {
  const stored = await readJson(checkpoint, "tokenizer.json");
  if (stored === null) return null;
  try {
    const tokenizer = new library.Tokenizer(stored, (await readJson(checkpoint, "tokenizer_config.json")) ?? {});
    const ids = [...tokenizer.encode(text, { add_special_tokens: false }).ids];
    return { sequences: [ids], prefix: prefixOf(tokenizer) };
  } catch (cause) {
    if (cause instanceof WeightmarkError) throw cause;
    throw unusable(checkpoint, "tokenizer.json", "cannot be used", cause);
  }
}

/** What the tokenizer puts before a text. */
function prefixOf(tokenizer: Encoder): readonly number[] {
  const [plain, whole] = [false, true].map((add) => tokenizer.encode("a", { add_special_tokens: add }).ids);
  const at = whole!.findIndex((_, i) => plain!.every((id, k) => whole![i + k] === id));
  return at < 0 ? [] : whole!.slice(0, at);
}

async function readJson(checkpoint: Checkpoint, name: string): Promise<object | null> {
  const { location } = checkpoint;
  const directory = location.endsWith(".safetensors.index.json") ? dirname(location) : location;
  try {
    const root = await resolveRoot(directory);
    const source = await openFileSource(await resolveInside(root, name), join(directory, name));
    try {
      if (source.size > MAX_TOKENIZER_BYTES) throw unusable(checkpoint, name, `is larger than ${MAX_TOKENIZER_BYTES}`);
      const value: unknown = parsePythonJson(new TextDecoder().decode(await source.read(0, source.size)));
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
      throw unusable(checkpoint, name, "is no JSON object");
    } finally {
      await source.close();
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw unusable(checkpoint, name, "is not JSON");
    if (error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND") return null;
    throw error;
  }
}

function unusable(checkpoint: Checkpoint, name: string, what: string, cause?: unknown): WeightmarkError {
  const file = join(checkpoint.location, name);
  return new WeightmarkError("TOKENIZER_UNUSABLE", `${name} ${what}`, {
    file,
    detail: "Give token ids with --token-ids instead of a text.",
    cause,
  });
}
