import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { OrientationUnits } from "./carriers/orientation/projections.ts";
import { readSpread } from "./carriers/spread/read.ts";
import { readHostSpread } from "./carriers/spread/read-host.ts";
import type { SpreadUnits } from "./carriers/spread/spread-units.ts";
import { hostModel } from "./host/host-checkpoint.ts";
import type { HostMatrix, HostModel } from "./host/host-model.ts";
import type { Focus } from "./host/rivals/settle.ts";
import type { ModelKey } from "./key/model-key.ts";
import { namesOf, type ReadingOptions, readSigns, readTokens, storedTokens, type TokenFinding } from "./readings.ts";
import type { Sketch } from "./resync/sketch.ts";
import type { SyncReport } from "./resync/sync-report.ts";
import { synchronise } from "./resync/synchronise.ts";

/** What the key finds in the layers of a suspect. */
export interface LayerFindings {
  readonly signs: OrientationUnits;
  readonly spread: SpreadUnits;
}

/** What the key finds in a suspect, carrier by carrier. */
export interface Findings extends LayerFindings {
  readonly tokens: readonly TokenFinding[];
  readonly synchronised: SyncReport | null;
}

export interface SuspectOptions extends ReadingOptions {
  readonly key: ModelKey;
  readonly tokenizer?: string;
  /** The sketch to bring the suspect into the order of; null reads it as it lies. */
  readonly sketch: Sketch | null;
}

export async function readSuspect(checkpoint: Checkpoint, options: SuspectOptions): Promise<Findings> {
  const { key, sketch, tokenizer } = options;
  if (sketch !== null) return readSynchronised(checkpoint, sketch, options);
  // Worker threads read the layers while this one reads the rest.
  const [spread, signs, tokens] = await Promise.all([
    readSpread(checkpoint, key, spreadOptions(options)),
    readSigns(hostModel(checkpoint), key, options),
    storedTokens(checkpoint, key, tokenizer, { rivals: true }),
  ]);
  return { signs, spread, tokens, synchronised: null };
}

/** The layers alone, as far as `focus` admits them: enough to choose among tensors that claim one place. */
export async function readLayers(
  checkpoint: Checkpoint,
  { onProgress: _, ...options }: SuspectOptions,
  focus: Focus,
): Promise<LayerFindings> {
  const { key, sketch, signal } = options;
  if (sketch === null) {
    const signs = await readSigns(hostModel(checkpoint), key, { ...options, only: focus });
    return { signs, spread: await readSpread(checkpoint, key, { ...spreadOptions(options), only: focus }) };
  }
  const { host } = await synchronise(checkpoint, sketch, { signal });
  return {
    signs: await readSigns(host, key, options),
    spread: await readHostSpread({ ...host, matrices: host.matrices.filter(focus) }, key, spreadOptions(options)),
  };
}

function spreadOptions({ threads, signal, onProgress }: ReadingOptions) {
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

async function readSynchronised(checkpoint: Checkpoint, sketch: Sketch, options: SuspectOptions): Promise<Findings> {
  const { key, signal, tokenizer } = options;
  const { host, report } = await synchronise(checkpoint, sketch, { signal });
  const spread = await readHostSpread(host, key, spreadOptions(options));
  const signs = await readSigns(host, key, options);
  // Inner products between rows need no alignment; the order of tokens does, and the sketch has restored it.
  const stored = await storedTokens(checkpoint, key, tokenizer, { rivals: true });
  const names = await namesOf(checkpoint, tokenizer);
  const aligned = names === null ? await readTokens(tokenMatricesOf(host), null, key) : [];
  return { signs, spread, tokens: [...stored, ...aligned], synchronised: report };
}

function tokenMatricesOf(host: HostModel) {
  const carrierOf = ({ role }: HostMatrix) => (role === "embed" ? ("embedding" as const) : null);
  return host.matrices.flatMap((matrix) => {
    const carrier = matrix.layer === -1 ? carrierOf(matrix) : null;
    if (carrier === null) return [];
    const { rows, cols } = matrix;
    return [{ carrier, gain: null, rows, cols, read: (first: number, count: number) => matrix.read(first, count) }];
  });
}
