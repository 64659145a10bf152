import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { type Decision, decide } from "./decide.ts";
import { readDifference } from "./difference/read-difference.ts";
import { differenceDecoys, differenceReadings } from "./difference/readings.ts";
import { contestedMatrices, hostModel } from "./host-checkpoint.ts";
import type { HostMatrix, HostModel } from "./host-model.ts";
import type { ModelKey } from "./model-key.ts";
import type { OrientationUnits } from "./orientation/projections.ts";
import { type Payload, showPayload } from "./payload.ts";
import {
  allReadings,
  decoySources,
  namesOf,
  type ReadingOptions,
  readSigns,
  readTokens,
  storedTokens,
  type TokenFinding,
} from "./readings.ts";
import type { VerifyResult } from "./result.ts";
import { readSketch } from "./resync/sketch-file.ts";
import type { SyncReport } from "./resync/sync-report.ts";
import { synchronise } from "./resync/synchronise.ts";
import { readSpread } from "./spread/read.ts";
import { readHostSpread } from "./spread/read-host.ts";
import { type SpreadUnits, spreadDecoys, spreadReading } from "./spread/spread-units.ts";

export interface VerifyOptions extends ReadingOptions {
  readonly key: ModelKey;
  /** The payload that is claimed. @default none: it is decoded */
  readonly payload?: Payload | null;
  /** Path of the sketch that embedding wrote. @default none: the suspect is read as it lies */
  readonly reference?: string;
  /** A tokenizer.json that names the suspect's tokens. @default the one beside the suspect's weights */
  readonly tokenizer?: string;
  /** The public base that the mark was made against: only the difference to it is read. @default none */
  readonly base?: Checkpoint;
}

/** What the key finds in a suspect, carrier by carrier. */
interface Findings {
  readonly signs: OrientationUnits;
  readonly spread: SpreadUnits;
  readonly tokens: readonly TokenFinding[];
  readonly synchronised: SyncReport | null;
}

/**
 * Says whether the mark of a key is in a model, with an exact p-value, and what it says.
 *
 * H0: the weights were made without the key. Reads every marked weight once; the model is never changed.
 *
 * @throws SKETCH_OF_ANOTHER_KEY, SKETCH_MALFORMED and what opening the sketch throws; TOKENIZER_UNUSABLE; BASE_MISMATCH; USAGE for a sketch beside a
 *   base; CHANGED_DURING_READ; the signal's reason
 */
export async function verifyWatermark(checkpoint: Checkpoint, options: VerifyOptions): Promise<VerifyResult> {
  if (options.base !== undefined) return verifyDifference(checkpoint, options.base, options);
  const { key } = options;
  const { signs, spread, tokens, synchronised } =
    options.reference === undefined
      ? await readAsStored(checkpoint, options)
      : await readSynchronised(checkpoint, options.reference, options);
  await checkpoint.verifyUnchanged();
  const readings = allReadings(key, signs, (payloadClass) => spreadReading(spread, payloadClass), tokens);
  const decision = decide(readings, key, {
    claimed: options.payload ?? null,
    alignments: synchronised?.tried ?? 1,
    decoySources: decoySources(signs, spreadDecoys(spread), tokens),
  });
  return withCaveats(
    verifyResult(decision, options, "release", synchronised),
    unreadCaveats(checkpoint, readings.length),
  );
}

/** What was not looked at must not pass for silence. */
function unreadCaveats(checkpoint: Checkpoint, readings: number): string[] {
  const contested = contestedMatrices(checkpoint);
  return [
    ...(readings === 0 ? ["no carrier of a mark was found in this model: nothing was tested"] : []),
    ...(contested === 0
      ? []
      : [`${contested} matrices are claimed by several tensors, or cannot be split, and were not read`]),
  ];
}

function withCaveats(result: VerifyResult, more: readonly string[]): VerifyResult {
  return { ...result, caveats: [...result.caveats, ...more] };
}

/** The mark of derivative mode. */
async function verifyDifference(
  checkpoint: Checkpoint,
  base: Checkpoint,
  options: VerifyOptions,
): Promise<VerifyResult> {
  if (options.reference !== undefined) {
    throw new WeightmarkError("USAGE", "a mark in a difference needs no sketch", {
      detail: "Leave out --reference: the base is the reference.",
    });
  }
  const { key, signal, onProgress } = options;
  const sums = await readDifference(checkpoint, base, key, {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  await checkpoint.verifyUnchanged();
  await base.verifyUnchanged();
  const decoySources = differenceDecoys(sums);
  const decision = decide(differenceReadings(sums), key, { claimed: options.payload ?? null, decoySources });
  const chosen = "whoever chooses the base can fit it: it must have been public before the key was made";
  return withCaveats(verifyResult(decision, options, "derivative", null), decision.present ? [chosen] : []);
}

async function readAsStored(checkpoint: Checkpoint, options: VerifyOptions): Promise<Findings> {
  const { key, threads, signal, onProgress } = options;
  const others = async () => ({
    signs: await readSigns(hostModel(checkpoint), key, options),
    tokens: await storedTokens(checkpoint, key, options.tokenizer),
  });
  // Worker threads read the layers while this one reads the rest.
  const [spread, rest] = await Promise.all([
    readSpread(checkpoint, key, {
      ...(threads === undefined ? {} : { threads }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    }),
    others(),
  ]);
  return { ...rest, spread, synchronised: null };
}

async function readSynchronised(checkpoint: Checkpoint, path: string, options: VerifyOptions): Promise<Findings> {
  const { key, signal, onProgress } = options;
  const sketch = await readSketch(path);
  // A sketch of an already marked model knows that mark's coins; its own key's it cannot know.
  if (sketch.keyId !== key.id) {
    throw new WeightmarkError("SKETCH_OF_ANOTHER_KEY", `the sketch belongs to key ${sketch.keyId}, not ${key.id}`, {
      file: path,
      detail: "Name the sketch that embedding with this key wrote.",
    });
  }
  const { host, report } = await synchronise(checkpoint, sketch, { signal });
  const spread = await readHostSpread(host, key, {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const signs = await readSigns(host, key, options);
  // Inner products between rows need no alignment; the order of tokens does, and the sketch has restored it.
  const stored = await storedTokens(checkpoint, key, options.tokenizer);
  const names = await namesOf(checkpoint, options.tokenizer);
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

function verifyResult(
  decision: Decision,
  { key, payload: claimed = null }: VerifyOptions,
  mode: VerifyResult["mode"],
  synchronised: SyncReport | null,
): VerifyResult {
  const { payload, decoys } = decision;
  return {
    present: decision.present,
    level: decision.level,
    log2P: decision.log2P,
    log2Tried: decision.log2Tried,
    payload: payload === null ? null : { ...showPayload(payload), how: payload.how },
    carriers: bestOfEachCarrier(decision).map(({ name, payloadBits, statistic, log2P, present, gain }) => ({
      name,
      payloadBits,
      statistic,
      log2P,
      present,
      gain: Number.isFinite(gain) ? gain : null,
      synchronised: synchronised !== null,
    })),
    decoys,
    keyId: key.id,
    release: key.release,
    mode,
    alignment: synchronised === null ? null : alignmentOf(synchronised),
    caveats: caveatsOf(decision, mode === "derivative" || synchronised !== null, claimed),
  };
}

/** Every carrier was tried in every class; one line each is enough. */
function bestOfEachCarrier({ carriers }: Decision): Decision["carriers"] {
  const names = [...new Set(carriers.map(({ name }) => name))];
  return names.map((name) => carriers.filter((one) => one.name === name).reduce((a, b) => (b.log2P < a.log2P ? b : a)));
}

function alignmentOf({ components, correlation, tried }: SyncReport): VerifyResult["alignment"] {
  const layers = components.flatMap((component) => component.layers);
  return {
    rotation: components.map(({ rotation }) => rotation).join(", "),
    layers: layers.length,
    layersMatched: layers.filter(({ suspect }) => suspect !== null).length,
    agreement: Number.isFinite(correlation) ? correlation : null,
    tried,
  };
}

function caveatsOf(decision: Decision, aligned: boolean, claimed: Payload | null): string[] {
  const caveats: string[] = [];
  if (decision.present) {
    caveats.push("the p-value says that the weights know this key, not who put it there: prove when you had the key");
    if (claimed === null && decision.payload === null) caveats.push("present, but too weak to read a payload from");
    if (decision.claim === "contradicted") caveats.push("the claimed payload is not what the mark says");
    if (decision.claim === "undecided") caveats.push("too weak to tell the claimed payload from others");
  } else {
    caveats.push(
      "not found is no proof of absence: distillation, retraining and more change than the mark outlives hide it",
    );
    if (!aligned) {
      caveats.push("permuted, rotated or sign-flipped weights need --reference with the sketch of the marked copy");
    }
  }
  return caveats;
}
