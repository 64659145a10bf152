import { setImmediate } from "node:timers/promises";
import type { Address } from "../../../rows/addressed-matrix.ts";
import type { HostModel } from "../../host/host-model.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { type SignGenerators, signGenerators } from "./generators.ts";
import { projectRows } from "./project-rows.ts";

/** What the weights say along keyed directions, once for all payload classes. */
export interface OrientationUnits {
  readonly blocks: readonly OrientationBlock[];
  /** Generators with a projection. */
  readonly present: number;
  /** Why no sign may be changed, as the host model says; null when they may. */
  readonly doubt: string | null;
}

export interface OrientationBlock {
  readonly generators: SignGenerators;
  /**
   * y_g = <W_g / |W_g|, u_g>: W_g the rows of generator g joined, with the norm's gain folded in, u_g keyed +-1. About N(0, 1)
   * for weights made without the key; 0 where the rows are zero or not finite.
   */
  readonly projections: Float32Array;
}

export interface ReadOptions {
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Generators whose rows are read. @default all */
  readonly only?: ((source: Address) => boolean) | undefined;
}

const DIRECTIONS = "orientation/directions";

/**
 * Projects every generator of the model on its keyed direction: one pass over up, v and k.
 *
 * A re-synchronised model gives no units: its signs were chosen to agree with a sketch of the marked model, so they say
 * what the key's holder wrote whatever the suspect's own signs are.
 */
export async function readOrientation(
  host: HostModel,
  key: ModelKey,
  options: ReadOptions = {},
): Promise<OrientationUnits> {
  const found = host.synchronised
    ? []
    : signGenerators(host).filter(({ source }) => key.covers(source.layer) && (options.only?.(source) ?? true));
  const total = found.reduce((sum, { source }) => sum + source.rows * source.cols, 0);
  const blocks: OrientationBlock[] = [];
  let done = 0;
  let present = 0;
  for (const generators of found) {
    const { source } = generators;
    const directions = key.layerSubkey(DIRECTIONS, source.layer);
    const { dots, energies } = await projectRows(source, directions, async (rows) => {
      done += rows * source.cols;
      options.onProgress?.(done, total);
      // Local reads are synchronous: without a turn of the event loop neither timers nor signals would be heard.
      await setImmediate();
      options.signal?.throwIfAborted();
    });
    const projections = new Float32Array(generators.count);
    for (let g = 0; g < projections.length; g++) {
      let [dot, energy] = [0, 0];
      for (const row of generators.sourceRows(g)) {
        dot += dots[row]!;
        energy += energies[row]!;
      }
      const y = dot / Math.sqrt(energy);
      if (Number.isFinite(y) && y !== 0) {
        projections[g] = y;
        present++;
      }
    }
    blocks.push({ generators, projections });
  }
  return { blocks, present, doubt: host.symmetries.doubt };
}
