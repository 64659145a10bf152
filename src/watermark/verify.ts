import type { SyncReport } from "../alignment/report.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { decoySources, readingsOf } from "./carriers/read-carriers.ts";
import { type Decision, decide } from "./evidence/decide.ts";
import { bestSuspect, contestCaveats } from "./host/rivals/best-suspect.ts";
import type { Score } from "./host/rivals/settle.ts";
import type { ModelKey } from "./key/model-key.ts";
import { type Payload, showPayload } from "./message/payload.ts";
import type { VerifyResult } from "./result.ts";
import type { Sketch } from "./resync/sketch.ts";
import { readSketch } from "./resync/sketch-file.ts";
import type { ReadingMode, ReadingOptions } from "./suspect.ts";
import { derivativeReading } from "./suspect-derivative.ts";
import { releaseReading } from "./suspect-release.ts";

export interface VerifyOptions extends ReadingOptions {
  readonly key: ModelKey;
  /** The payload that is claimed. @default none: it is decoded */
  readonly payload?: Payload | null;
  /** Path of the sketch that embedding wrote. @default none: the suspect is read as it lies */
  readonly reference?: string;
  /** A tokenizer.json that names the suspect's tokens. @default the one beside the suspect's weights */
  readonly tokenizer?: string;
  /** log2 of the ways in which the layers that the key covers could have been chosen; p is multiplied by them. @default 0 */
  readonly log2Choices?: number;
  /** The public base that the mark was made against: only the difference to it is read. @default none */
  readonly base?: Checkpoint;
}

/**
 * Says whether the mark of a key is in a model, with an exact p-value, and what it says.
 *
 * H0: the weights were made without the key. Reads every marked weight once; the model is never changed.
 *
 * @throws SKETCH_OF_ANOTHER_KEY, SKETCH_MALFORMED and what opening the sketch throws; TOKENIZER_UNUSABLE; BASE_MISMATCH; USAGE
 * for a sketch beside a
 *   base; CHANGED_DURING_READ; the signal's reason
 * @example
 * import { openCheckpoint } from "weightmark";
 * import { readKeyFile, verifyWatermark } from "weightmark/watermark";
 *
 * await using suspect = await openCheckpoint("suspect-model");
 * const { present, log2P } = await verifyWatermark(suspect, { key: await readKeyFile("my.key", null) });
 * console.log(present ? `marked, p = 2^${log2P}` : "no mark of this key");
 */
export async function verifyWatermark(checkpoint: Checkpoint, options: VerifyOptions): Promise<VerifyResult> {
  const { key, payload: claimed = null, log2Choices = 0 } = options;
  const mode = await readingMode(options);
  const score: Score<Checkpoint> = async (model, focus) =>
    decide(readingsOf(await mode.readFocused(model, focus)), key, { claimed }).log2P;
  const { decision, synchronised, contests, isTested } = await bestSuspect(
    checkpoint,
    score,
    async (model, choices) => {
      const { carriers, synchronised } = await mode.read(model);
      const readings = readingsOf(carriers);
      const alignments = (synchronised?.tried ?? 1) * choices;
      const decision = decide(readings, key, {
        claimed,
        alignments,
        log2Choices,
        decoySources: decoySources(carriers),
      });
      return { decision, synchronised, isTested: readings.length > 0 };
    },
  );
  await checkpoint.verifyUnchanged();
  await mode.verifyUnchanged();
  const result = verifyResult(decision, options, mode, synchronised);
  const untested = isTested ? [] : [NOTHING_TESTED];
  const caveats = [...chosenCaveats(decision, options), ...untested, ...contestCaveats(contests)];
  return { ...result, caveats: [...result.caveats, ...caveats] };
}

async function readingMode(options: VerifyOptions): Promise<ReadingMode> {
  const { key, base, reference } = options;
  if (base === undefined) {
    const sketch = reference === undefined ? null : await ownSketch(reference, key);
    return releaseReading(key, { ...options, sketch });
  }
  if (reference === undefined) return derivativeReading(base, key, options);
  throw new WeightmarkError("USAGE", "a mark in a difference needs no sketch", {
    detail: "Leave out `reference`: the base is the reference.",
  });
}

/**
 * What anyone who verifies brings along decides with the key what is found: chosen after the suspect, it can be made so that any
 * model agrees with any key.
 */
function chosenCaveats({ present, carriers }: Decision, { base, reference, tokenizer }: VerifyOptions): string[] {
  if (!present) return [];
  const found = new Set(carriers.filter((carrier) => carrier.present).map(({ name }) => name));
  const byNames = tokenizer !== undefined && (found.has("embedding") || found.has("head") || found.size === 0);
  return [
    ...(base === undefined
      ? []
      : ["whoever chooses the base can fit it: it must have been public before the key was made"]),
    ...(reference === undefined
      ? []
      : [
          "the suspect was read in the order of the sketch, and whoever chooses the sketch can fit it: the p-value holds if the sketch was fixed before the suspect was made, which a time-stamped commitment to its digest proves",
        ]),
    ...(byNames
      ? [
          "rows of tokens were looked for by the names of the tokenizer that was given, and whoever chooses it can fit it: it must be the one that was published with the marked model",
        ]
      : []),
  ];
}

const NOTHING_TESTED = "no carrier of a mark was found in this model: nothing was tested";

/** A sketch of an already marked model knows that mark's coins; its own key's it cannot know. */
async function ownSketch(path: string, key: ModelKey): Promise<Sketch> {
  const sketch = await readSketch(path);
  if (sketch.keyId === key.id) return sketch;
  throw new WeightmarkError("SKETCH_OF_ANOTHER_KEY", `the sketch belongs to key ${sketch.keyId}, not ${key.id}`, {
    file: path,
    detail: "Name the sketch that embedding with this key wrote.",
  });
}

function verifyResult(
  decision: Decision,
  { key, payload: claimed = null }: VerifyOptions,
  mode: ReadingMode,
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
    mode: mode.name,
    alignment: synchronised === null ? null : alignmentOf(synchronised),
    caveats: caveatsOf(decision, mode.isAligned, claimed),
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
      caveats.push("permuted, rotated or sign-flipped weights need `reference` with the sketch of the marked copy");
    }
  }
  return caveats;
}
