import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import type { DenseEngine } from "../numerics/dense-engine.ts";
import { wasmEngine } from "../numerics/wasm-engine.ts";
import { hiddenStates, type Windows } from "./forward.ts";
import { bandRows } from "./linear.ts";
import { LogitComparison, type PositionScores } from "./logit-comparison.ts";
import { logitBand } from "./logits.ts";
import { openModel } from "./model.ts";

/** Logits of one model held at a time, in elements. */
const MAX_LOGITS = 1 << 24;

/** One batch for one worker: plain data, since it crosses threads. */
export interface QualityTask {
  /** Locations of both models, opened again by the worker. */
  readonly a: string;
  readonly b: string;
  /** Directories that links in them may lead into. */
  readonly allowLinks?: readonly string[] | undefined;
  readonly windows: Windows;
  /** Tokens of the vocabulary that are compared, from the first on. */
  readonly vocabulary: number;
}

export interface BatchScores {
  /** Of every position that another token follows, windows one after the other. */
  readonly scores: PositionScores;
  readonly maxDifference: number;
  readonly bitEqual: boolean;
  readonly bytesRead: readonly [number, number];
}

/** Runs one batch through both models on our own kernels. */
export async function runQualityTask(task: QualityTask): Promise<BatchScores> {
  const open: Checkpoint[] = [];
  try {
    const { a, b, allowLinks } = task;
    for (const location of [a, b]) open.push(await openCheckpoint(location, { allowLinks }));
    return await scoreBatch(wasmEngine(), open[0]!, open[1]!, task);
  } finally {
    for (const checkpoint of open) await checkpoint.close();
  }
}

/** Hidden states of both models, then their logits side by side, band by band of the vocabulary. */
export async function scoreBatch(
  engine: DenseEngine,
  a: Checkpoint,
  b: Checkpoint,
  { windows, vocabulary }: Pick<QualityTask, "windows" | "vocabulary">,
): Promise<BatchScores> {
  const [modelA, modelB] = [openModel(a), openModel(b)];
  const hiddenA = await hiddenStates(engine, modelA, windows);
  const hiddenB = await hiddenStates(engine, modelB, windows);
  // The last position of a window predicts nothing we know: its logits count, its score does not.
  const targets = Int32Array.from(windows.flatMap((window) => window.map((_, i) => window[i + 1] ?? -1)));
  const comparison = new LogitComparison(targets);
  const widest = Math.max(modelA.architecture.width, modelB.architecture.width);
  const band = Math.min(bandRows(widest), Math.max(1, Math.floor(MAX_LOGITS / targets.length)));
  for (let first = 0; first < vocabulary; first += band) {
    const count = Math.min(band, vocabulary - first);
    const logits = await logitBand(engine, modelA, hiddenA, first, count);
    comparison.add(first, count, logits, await logitBand(engine, modelB, hiddenB, first, count));
  }
  return {
    scores: scored(comparison.scores(), targets),
    maxDifference: comparison.maxDifference,
    bitEqual: comparison.bitEqual,
    bytesRead: [modelA.weights.bytesRead, modelB.weights.bytesRead],
  };
}

function scored({ nllA, nllB, divergence, agreement }: PositionScores, targets: Int32Array): PositionScores {
  const known = (_: number, i: number) => targets[i] !== -1;
  return {
    nllA: nllA.filter(known),
    nllB: nllB.filter(known),
    divergence: divergence.filter(known),
    agreement: agreement.filter(known),
  };
}
