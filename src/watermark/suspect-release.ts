import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Carrier } from "./carriers/carrier.ts";
import { readOrientation } from "./carriers/orientation/projections.ts";
import { signCarrier } from "./carriers/orientation/sign-carrier.ts";
import { readSpread } from "./carriers/spread/read.ts";
import { readHostSpread } from "./carriers/spread/read-host.ts";
import { spreadCarrier } from "./carriers/spread/spread-carrier.ts";
import { namesOf, readTokens, storedTokens } from "./carriers/tokens/read-tokens.ts";
import { tokenCarrier } from "./carriers/tokens/token-carrier.ts";
import type { TokenMatrix } from "./carriers/tokens/token-matrix.ts";
import { hostModel } from "./host/host-checkpoint.ts";
import type { HostModel } from "./host/host-model.ts";
import type { Focus } from "./host/rivals/settle.ts";
import type { ModelKey } from "./key/model-key.ts";
import type { Sketch } from "./resync/sketch.ts";
import { synchronise } from "./resync/synchronise.ts";
import type { ReadingMode, ReadingOptions, Suspect } from "./suspect.ts";

export interface ReleaseOptions extends ReadingOptions {
  /** A tokenizer.json that names the suspect's tokens. @default the one beside its weights */
  readonly tokenizer?: string | undefined;
  /** The sketch to bring the suspect into the order of; null reads it as it lies. */
  readonly sketch: Sketch | null;
}

/** Looks for a mark in a model's own weights. */
export function releaseReading(key: ModelKey, options: ReleaseOptions): ReadingMode {
  const { sketch } = options;
  return {
    name: "release",
    isAligned: sketch !== null,
    read: (model) => (sketch === null ? readStored(model, key, options) : readAligned(model, sketch, key, options)),
    readFocused: (model, focus) => readLayers(model, focus, key, options),
    verifyUnchanged: async () => {},
  };
}

async function readStored(model: Checkpoint, key: ModelKey, options: ReleaseOptions): Promise<Suspect> {
  const { threads, signal, onProgress, tokenizer } = options;
  // Worker threads read the layers while this one reads the rest.
  const [weights, signs, tokens] = await Promise.all([
    readSpread(model, key, { threads, signal, onProgress }),
    readOrientation(hostModel(model), key, { signal }),
    storedTokens(model, key, tokenizer, { rivals: true }),
  ]);
  const carriers = [signCarrier(signs, key), spreadCarrier(weights, key), ...tokens.map(tokenCarrier)];
  return { carriers, synchronised: null };
}

async function readAligned(
  model: Checkpoint,
  sketch: Sketch,
  key: ModelKey,
  options: ReleaseOptions,
): Promise<Suspect> {
  const { signal, onProgress, tokenizer } = options;
  const { host, report } = await synchronise(model, sketch, { signal });
  const weights = await readHostSpread(host, key, { signal, onProgress });
  const signs = await readOrientation(host, key, { signal });
  // Inner products between rows need no alignment; the order of tokens does, and the sketch has restored it.
  const stored = await storedTokens(model, key, tokenizer, { rivals: true });
  const names = await namesOf(model, tokenizer);
  const aligned = names === null ? await readTokens(tableOf(host), null, key) : [];
  const tokens = [...stored, ...aligned].map(tokenCarrier);
  return { carriers: [signCarrier(signs, key), spreadCarrier(weights, key), ...tokens], synchronised: report };
}

function tableOf({ matrices }: HostModel): TokenMatrix[] {
  return matrices
    .filter(({ layer, role }) => layer === -1 && role === "embed")
    .map((matrix) => {
      const { rows, cols } = matrix;
      const read = (first: number, count: number) => matrix.read(first, count);
      return { carrier: "embedding", gain: null, rows, cols, read };
    });
}

async function readLayers(
  model: Checkpoint,
  focus: Focus,
  key: ModelKey,
  { threads, signal, sketch }: ReleaseOptions,
): Promise<readonly Carrier[]> {
  if (sketch === null) {
    const signs = await readOrientation(hostModel(model), key, { signal, only: focus });
    const weights = await readSpread(model, key, { threads, signal, only: focus });
    return [signCarrier(signs, key), spreadCarrier(weights, key)];
  }
  const { host } = await synchronise(model, sketch, { signal });
  const signs = await readOrientation(host, key, { signal });
  const focused = { ...host, matrices: host.matrices.filter(focus) };
  return [signCarrier(signs, key), spreadCarrier(await readHostSpread(focused, key, { signal }), key)];
}
