import { alignComponent } from "../../alignment/align-component.ts";
import { partsOf } from "../../alignment/parts.ts";
import { type ComponentReport, meanCorrelation, type SyncReport } from "../../alignment/report.ts";
import { tokenHashes } from "../../alignment/token-hashes.ts";
import type { CanonicalTensor } from "../../anatomy/anatomy.ts";
import type { HeadShape } from "../../anatomy/fused.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import type { AddressedMatrix } from "../../rows/addressed-matrix.ts";
import { RowReader } from "../../rows/row-reader.ts";
import { tablesBeside } from "../carriers/tokens/token-matrix.ts";
import { addressedViews } from "../host/host-checkpoint.ts";
import type { HostModel } from "../host/host-model.ts";
import type { Sketch } from "./sketch.ts";

export interface SynchroniseOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Synchronised {
  /** The suspect in the coordinates of the model that was marked; what is gone is left out or reads as zeros. */
  readonly host: HostModel;
  readonly report: SyncReport;
}

/**
 * Undoes what hides a model's coordinates: order of layers, neurons, heads and tokens, signs, scales, and basis changes of
 * the residual stream and inside heads. Everything is found from the sketch and the suspect. The sketch was made before the
 * marks that move weights and knows nothing of their subkeys, so their statistics on the result are what they are on any
 * weights. It does know the signs that orientation chose: a result has the reference's signs whatever the suspect's were,
 * and says nothing of that carrier. Rows are read when asked for.
 */
export async function synchronise(
  suspect: Checkpoint,
  sketch: Sketch,
  options: SynchroniseOptions = {},
): Promise<Synchronised> {
  const reader = new RowReader(suspect);
  const parts = new Map(partsOf(suspectViews(suspect, sketch.heads)).map((one) => [one.component, one]));
  const matrices: AddressedMatrix[] = [];
  const components: ComponentReport[] = [];
  const total = sketch.components.reduce((sum, { layers }) => sum + layers.length, 0);
  let done = 0;
  const step = (): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.(++done, total);
  };
  for (const component of sketch.components) {
    const found = parts.get(component.component);
    // A stream of another width has nothing that could be put beside the reference.
    if (found === undefined || found.width !== component.width) continue;
    const reference = { component, heads: sketch.heads, rotary: sketch.symmetries.keys };
    const tables = tablesBeside(suspect, found.embed);
    const subject = { reader, parts: found, tables, hashes: () => tokenHashes(suspect) };
    const aligned = await alignComponent(reference, subject, step);
    matrices.push(...aligned.matrices);
    components.push(aligned.report);
  }
  const { heads, symmetries } = sketch;
  const report: SyncReport = { tried: 1, components, correlation: meanCorrelation(components) };
  return { host: { matrices, heads, symmetries, synchronised: true }, report };
}

/** Fused attention is taken apart by the reference's heads, else by the suspect's own config. */
function suspectViews(suspect: Checkpoint, heads: HeadShape | null): readonly CanonicalTensor[] {
  const own = addressedViews(suspect);
  if (heads === null) return own;
  const config = {
    num_attention_heads: heads.heads,
    num_key_value_heads: heads.kvHeads,
    head_dim: heads.headSize,
  };
  const views = addressedViews({ config, tensors: suspect.tensors });
  return views.length >= own.length ? views : own;
}
