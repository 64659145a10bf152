import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import type { DenseEngine } from "../numerics/dense-engine.ts";
import { engines } from "../numerics/engines.ts";
import { wasmEngine } from "../numerics/wasm-engine.ts";
import { openPool } from "../threads/pool.ts";
import type { Architecture } from "./architecture.ts";
import { blockLengths, meanInterval, sum } from "./mean-difference.ts";
import { openModel, requireOneHead } from "./model.ts";
import { type BatchScores, type QualityTask, scoreBatch } from "./quality-task.ts";
import type { EngineName, QualityResult } from "./result.ts";
import { summaryOf } from "./summary.ts";
import { batchesOf, cutWindows, type Tokens } from "./windows.ts";

export interface QualityOptions {
  /** Tokens of a window; windows do not overlap. @default 512 */
  readonly context?: number;
  /** Tokens that are run at most. @default 8192 */
  readonly maxTokens?: number;
  /** Who multiplies matrices. @default "wasm" */
  readonly engine?: EngineName;
  /** Worker threads of the wasm engine, 0 for none. @default 2, or as many as there are cores */
  readonly threads?: number;
  /** Tokens done, of both models together. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

const CONTEXT = 512;
const MAX_TOKENS = 8192;
/** Tokens run together: enough to make reading the weights cheap, few enough for the activations of a 7B model. */
const BATCH_TOKENS = 1024;

/**
 * Runs the same tokens through both models and compares what they predict. Weights are streamed: memory holds the
 * activations of a batch and a band of one matrix per thread.
 *
 * @throws FORWARD_UNSUPPORTED, TOKENS_INVALID, ENGINE_UNAVAILABLE, USAGE, what reading throws; the signal's reason
 */
export async function compareQuality(
  a: Checkpoint,
  b: Checkpoint,
  tokens: Tokens,
  options: QualityOptions = {},
): Promise<QualityResult> {
  const { signal } = options;
  const engine = engineOf(options.engine ?? "wasm");
  const [modelA, modelB] = [openModel(a), openModel(b)];
  await requireOneHead(a, modelA);
  await requireOneHead(b, modelB);
  const pair = [modelA.architecture, modelB.architecture] as const;
  const vocabulary = Math.min(...pair.map((architecture) => architecture.vocabulary));
  const context = Math.min(options.context ?? CONTEXT, ...pair.map(({ positions }) => positions));
  const limits = { context, maxTokens: options.maxTokens ?? MAX_TOKENS };
  const windows = cutWindows(tokens, limits, vocabulary);
  const threads = engine.name === "wasm" ? threadsFor(options.threads, windows.length, a, b) : 0;
  const run = windows.reduce((n, { length }) => n + length, 0);
  const batches = batchesOf(windows, Math.min(BATCH_TOKENS, Math.ceil(run / Math.max(1, threads))));
  const allowLinks = [...new Set([...(a.allowLinks ?? []), ...(b.allowLinks ?? [])])];
  const tasks = batches.map((batch) => ({ a: a.location, b: b.location, allowLinks, windows: batch, vocabulary }));
  let done = 0;
  const report = (task: QualityTask): void => {
    for (const { length } of task.windows) done += length;
    options.onProgress?.(done, run);
  };
  const replies =
    threads === 0
      ? await runHere(engine, a, b, tasks, { report, signal })
      : await runThere(threads, tasks, { report, signal });
  await a.verifyUnchanged();
  await b.verifyUnchanged();
  const result = {
    engine: engine.name,
    context,
    windows: windows.length,
    vocabulary,
    ...summarise(replies, blockLengths(windows.map(({ length }) => length - 1))),
    ...factsOf(replies, pair, run * vocabulary),
    caveats: caveatsOf(pair, options, context),
  };
  return { ...result, summary: summaryOf(result) };
}

function engineOf(name: EngineName): DenseEngine {
  if (name === "wasm") return wasmEngine();
  const status = engines().find((engine) => engine.name === name);
  if (status?.engine) return status.engine;
  throw new WeightmarkError("ENGINE_UNAVAILABLE", `${name} cannot be used: ${status?.reason ?? "unknown"}`, {
    detail: "See weightmark doctor; without `engine` our own kernels compute.",
  });
}

/** Workers open the models again, so only local ones can be shared out; one window is one thread's work. */
function threadsFor(asked: number | undefined, windows: number, ...models: readonly Checkpoint[]): number {
  const local = models.every(({ files }) => files.every(({ absolutePath }) => absolutePath !== null));
  return local ? Math.min(asked ?? Math.min(2, availableParallelism()), windows) : 0;
}

interface RunOptions {
  /** Called when a batch is done. */
  readonly report: (task: QualityTask) => void;
  readonly signal: AbortSignal | undefined;
}

async function runHere(
  engine: DenseEngine,
  a: Checkpoint,
  b: Checkpoint,
  tasks: readonly QualityTask[],
  { report, signal }: RunOptions,
): Promise<BatchScores[]> {
  const replies: BatchScores[] = [];
  for (const task of tasks) {
    signal?.throwIfAborted();
    replies.push(await scoreBatch(engine, a, b, task));
    report(task);
  }
  return replies;
}

async function runThere(
  threads: number,
  tasks: readonly QualityTask[],
  { report, signal }: RunOptions,
): Promise<BatchScores[]> {
  const pool = await openPool<QualityTask, BatchScores>("runQuality", { threads });
  try {
    return await Promise.all(
      tasks.map(async (task) => {
        const reply = await pool.run(task, signal);
        report(task);
        return reply;
      }),
    );
  } finally {
    await pool.close();
  }
}

function summarise(
  replies: readonly BatchScores[],
  blocks: readonly number[],
): Pick<QualityResult, "tokens" | "nll" | "perplexity" | "divergence" | "agreement"> {
  const nllA = joined(replies.map(({ scores }) => scores.nllA));
  const nllB = joined(replies.map(({ scores }) => scores.nllB));
  const tokens = nllA.length;
  const [a, b] = [sum(nllA) / tokens, sum(nllB) / tokens];
  const differences = nllB.map((value, i) => value - nllA[i]!);
  const difference = sum(differences) / tokens;
  // One sum over all tokens, so that how they were shared out among threads leaves no trace.
  const divergence = sum(joined(replies.map(({ scores }) => scores.divergence))) / tokens;
  const agreeing = replies.reduce((n, { scores }) => n + sum(scores.agreement), 0);
  return {
    tokens,
    nll: { a, b, difference, interval: meanInterval(differences, blocks) },
    perplexity: { a: Math.exp(a), b: Math.exp(b), ratio: Math.exp(difference) },
    // Rounding may leave a divergence of nothing a hair below zero.
    divergence: Math.max(0, divergence),
    agreement: agreeing / tokens,
  };
}

function factsOf(
  replies: readonly BatchScores[],
  [a, b]: readonly [Architecture, Architecture],
  compared: number,
): Pick<QualityResult, "logits" | "models"> {
  const read = (side: 0 | 1) => replies.reduce((n, { bytesRead }) => n + bytesRead[side], 0);
  return {
    logits: {
      compared,
      maxDifference: replies.reduce((most, reply) => Math.max(most, reply.maxDifference), 0),
      bitEqual: replies.every(({ bitEqual }) => bitEqual),
    },
    models: {
      a: { modelType: a.modelType, bytesRead: read(0) },
      b: { modelType: b.modelType, bytesRead: read(1) },
    },
  };
}

function caveatsOf(
  [a, b]: readonly [Architecture, Architecture],
  options: QualityOptions,
  context: number,
): readonly string[] {
  const caveats: string[] = [];
  if (a.vocabulary !== b.vocabulary) {
    caveats.push(`the models have ${a.vocabulary} and ${b.vocabulary} logits; only those in common were compared`);
  }
  if (options.context !== undefined && context < options.context) {
    caveats.push(`the context was cut to the ${context} positions the models have`);
  }
  return caveats;
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
