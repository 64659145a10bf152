import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { levelOf } from "../watermark/evidence/statistics.ts";
import type { ModelKey } from "../watermark/key/model-key.ts";
import { verifyWatermark } from "../watermark/verify.ts";
import type { ScanMark } from "./item.ts";

/**
 * Holds every key against a model. Reads all weights once for each key.
 *
 * A model is tried with all keys, so that each p-value is corrected for their number (Bonferroni): with a thousand keys
 * the chance that any of them is found in a model without a mark stays what the level says.
 */
export async function checkMarks(
  checkpoint: Checkpoint,
  keys: readonly ModelKey[],
  signal: AbortSignal,
): Promise<ScanMark[]> {
  const marks: ScanMark[] = [];
  for (const key of keys) {
    const result = await verifyWatermark(checkpoint, { key, threads: 0, signal });
    const log2P = Math.min(0, result.log2P + Math.log2(keys.length));
    const level = levelOf(log2P);
    const present = level !== "none";
    marks.push({ keyId: key.id, level, present, log2P, payload: present ? (result.payload?.hex ?? null) : null });
  }
  return marks;
}
