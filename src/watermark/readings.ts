import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { type OrientationUnits, readOrientation } from "./carriers/orientation/projections.ts";
import { orientationDecoys, orientationReading } from "./carriers/orientation/reading.ts";
import { type StoredTokenMatrix, type TokenMatrix, tokenMatrices } from "./carriers/tokens/token-matrix.ts";
import { readTokenizerFile, readTokenNames, type TokenNames } from "./carriers/tokens/token-names.ts";
import { tokenDecoys, tokenReading } from "./carriers/tokens/token-reading.ts";
import { readTokenUnits, type TokenUnits } from "./carriers/tokens/token-units.ts";
import type { DecoySource } from "./evidence/decoys.ts";
import type { Address, HostModel } from "./host/host-model.ts";
import type { ModelKey } from "./key/model-key.ts";
import type { CarrierReading } from "./message/carrier-reading.ts";
import { PAYLOAD_CLASSES } from "./message/payload-class.ts";

export interface ReadingOptions {
  /** Worker threads; 0 works on this thread. The result never depends on it. @default 2 */
  readonly threads?: number | undefined;
  /** Bytes read and to be read, of the carrier that reads most. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A token matrix with what the key finds in it, under one way of addressing tokens. */
export interface TokenFinding<Matrix extends TokenMatrix = TokenMatrix> {
  readonly matrix: Matrix;
  readonly units: TokenUnits;
}

export function readSigns(
  host: HostModel,
  key: ModelKey,
  { signal, only }: ReadingOptions & { readonly only?: (source: Address) => boolean },
): Promise<OrientationUnits> {
  return readOrientation(host, key, {
    ...(signal === undefined ? {} : { signal }),
    ...(only === undefined ? {} : { only }),
  });
}

/** What the key finds in every token matrix, by token name where a tokenizer gives names and by number. */
export async function readTokens<Matrix extends TokenMatrix>(
  matrices: readonly Matrix[],
  names: TokenNames | null,
  key: ModelKey,
): Promise<TokenFinding<Matrix>[]> {
  const findings: TokenFinding<Matrix>[] = [];
  for (const matrix of matrices) {
    for (const naming of names === null ? [null] : [names, null]) {
      const units = await readTokenUnits(matrix, key, naming);
      if (units !== null) findings.push({ matrix, units });
    }
  }
  return findings;
}

/**
 * Token names from the tokenizer.json that was named, else from the one beside the weights; null when there is none there.
 *
 * @throws TOKENIZER_UNUSABLE when the one that was named gives no names
 */
export async function namesOf(checkpoint: Checkpoint, tokenizer?: string): Promise<TokenNames | null> {
  if (tokenizer === undefined) return readTokenNames(checkpoint);
  const names = await readTokenizerFile(tokenizer);
  if (names === null) {
    throw new WeightmarkError("TOKENIZER_UNUSABLE", "no tokens are named in this file", {
      file: tokenizer,
      detail: "Name the tokenizer.json of the model that was marked.",
    });
  }
  return names;
}

/** What the key finds in the token matrices of a checkpoint, with `rivals` in all that may be one. @throws what `namesOf` throws */
export async function storedTokens(
  checkpoint: Checkpoint,
  key: ModelKey,
  tokenizer?: string,
  { rivals = false } = {},
): Promise<TokenFinding<StoredTokenMatrix>[]> {
  return readTokens(await tokenMatrices(checkpoint, { rivals }), await namesOf(checkpoint, tokenizer), key);
}

/** Every carrier in every payload class: whoever knows nothing but the key must try them all. */
export function allReadings(
  key: ModelKey,
  signs: OrientationUnits,
  spread: (payloadClass: (typeof PAYLOAD_CLASSES)[number]) => CarrierReading,
  tokens: readonly TokenFinding[],
): CarrierReading[] {
  return PAYLOAD_CLASSES.flatMap((payloadClass) => [
    orientationReading(signs, payloadClass, key),
    spread(payloadClass),
    ...tokens.map(({ units }) => tokenReading(units, payloadClass)),
  ]).filter(({ energies }) => energies.some((energy) => energy > 0));
}

/** Units of all carriers that have any, for decoy keys to draw signs of their own. */
export function decoySources(
  signs: OrientationUnits,
  spread: DecoySource,
  tokens: readonly TokenFinding[],
): DecoySource[] {
  const ofTokens = tokens.map(({ units }) => tokenDecoys(units));
  return [orientationDecoys(signs), spread, ...ofTokens].filter(({ unitValues }) => unitValues.length > 0);
}

/** Of the two ways to address tokens the first, by name, where a tokenizer gives names: it survives a new order. */
export function chosenTokens<Finding extends TokenFinding>(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ matrix }, i) => findings.findIndex((one) => one.matrix === matrix) === i);
}
