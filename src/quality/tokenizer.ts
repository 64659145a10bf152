import { basename, dirname, join } from "node:path";
import { openFileSource } from "../bytes/file-source.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isShardIndex } from "../checkpoint/index-name.ts";
import { resolveInside, resolveRoot } from "../checkpoint/inside-root.ts";
import { WeightmarkError } from "../errors.ts";
import { openPool, type ThreadPool } from "../threads/pool.ts";
import { CONFIG_FILE, TOKENIZER_FILE, type TokenizeReply, type TokenizeTask } from "./tokenize-task.ts";
import type { Tokens } from "./windows.ts";

/** The largest published vocabularies take some 35 MB. */
const MAX_TOKENIZER_BYTES = 128 << 20;
/** Many times what the largest vocabulary takes to be read, and what a text takes, on a slow machine. */
const LIMIT_MS = 60_000;
const LIMIT_MS_PER_CHARACTER = 0.1;

export interface TokenizeOptions {
  /** Milliseconds that one tokenizer may take. @default a minute, and 100 s for every million characters of the text */
  readonly limitMs?: number;
}

/** A text as token ids of two models, and what was found out on the way. */
export interface Tokenized extends Tokens {
  readonly notes: readonly string[];
}

/**
 * Encodes a text with the tokenizer.json beside the models, by way of @huggingface/tokenizers in a thread of its own. Where
 * both have one they must agree on this text.
 *
 * @throws TOKENIZER_UNUSABLE, also for one that comes to no end; TOKENIZERS_DIFFER
 */
export async function tokenize(
  text: string,
  a: Checkpoint,
  b: Checkpoint,
  options: TokenizeOptions = {},
): Promise<Tokenized> {
  const limitMs = options.limitMs ?? LIMIT_MS + LIMIT_MS_PER_CHARACTER * text.length;
  const pool: Pool = await openPool("tokenize", { threads: 1 });
  try {
    const first = await tokensOf(pool, text, a, limitMs);
    return compared(first, await tokensOf(pool, text, b, limitMs), a, b);
  } finally {
    await pool.close();
  }
}

function compared(first: Tokens | null, second: Tokens | null, a: Checkpoint, b: Checkpoint): Tokenized {
  const tokens = first ?? second;
  if (tokens === null) {
    throw new WeightmarkError("TOKENIZER_UNUSABLE", "neither model has a tokenizer.json", {
      file: a.location,
      detail: "Give token ids with `readTokenIds` instead of a text.",
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

type Pool = ThreadPool<TokenizeTask, TokenizeReply>;

async function tokensOf(pool: Pool, text: string, checkpoint: Checkpoint, limitMs: number): Promise<Tokens | null> {
  const tokenizer = await readBeside(checkpoint, TOKENIZER_FILE);
  if (tokenizer === null) return null;
  const config = await readBeside(checkpoint, CONFIG_FILE);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limitMs);
  const reply = await pool
    .run({ text, tokenizer, config }, late.signal)
    .catch((cause: unknown): TokenizeReply => {
      const why = cause instanceof Error ? cause.message : String(cause);
      const problem = late.signal.aborted
        ? `came to no end within ${Math.ceil(limitMs / 1000)} s: a pattern in it may take years for this text`
        : `cannot be used (its thread died: ${why})`;
      return { file: TOKENIZER_FILE, problem };
    })
    .finally(() => clearTimeout(timer));
  if ("problem" in reply) throw unusable(checkpoint, reply.file, reply.problem);
  return reply;
}

/** A file beside the weights, or null when there is none. */
async function readBeside(checkpoint: Checkpoint, name: string): Promise<Uint8Array | null> {
  const { location } = checkpoint;
  const directory = isShardIndex(basename(location)) ? dirname(location) : location;
  try {
    const root = await resolveRoot(directory, checkpoint.allowLinks);
    const source = await openFileSource(await resolveInside(root, name), join(directory, name));
    try {
      if (source.size <= MAX_TOKENIZER_BYTES) return await source.read(0, source.size);
      throw unusable(checkpoint, name, `is larger than ${MAX_TOKENIZER_BYTES} bytes`);
    } finally {
      await source.close();
    }
  } catch (error) {
    if (error instanceof WeightmarkError && error.code === "FILE_NOT_FOUND") return null;
    throw error;
  }
}

function unusable(checkpoint: Checkpoint, name: string, what: string): WeightmarkError {
  return new WeightmarkError("TOKENIZER_UNUSABLE", `${name} ${what}`, {
    file: join(checkpoint.location, name),
    detail: "Give token ids with `readTokenIds` instead of a text.",
  });
}
