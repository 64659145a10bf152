import type { DenseEngine } from "../numerics/dense-engine.ts";
import { softcap } from "./activation.ts";
import type { Model } from "./model.ts";

/** Logits of the tokens [first, first + count) of the vocabulary, [tokens x count], for hidden states [tokens x width]. */
export async function logitBand(
  engine: DenseEngine,
  { architecture, weights }: Model,
  hidden: Float32Array,
  first: number,
  count: number,
): Promise<Float32Array> {
  const { head, width, finalSoftcap } = architecture;
  const rows = await weights.elements(head, first * width, count * width);
  const logits = engine.matmulT(hidden, rows, hidden.length / width, width, count);
  return finalSoftcap === null ? logits : softcap(logits, finalSoftcap);
}
