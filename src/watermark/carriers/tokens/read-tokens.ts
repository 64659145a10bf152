import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../../errors.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { type StoredTokenMatrix, type TokenMatrix, tokenMatrices } from "./token-matrix.ts";
import { readTokenizerFile, readTokenNames, type TokenNames } from "./token-names.ts";
import { readTokenUnits, type TokenUnits } from "./token-units.ts";

/** A token matrix with what the key finds in it, under one way of addressing tokens. */
export interface TokenFinding<Matrix extends TokenMatrix = TokenMatrix> {
  readonly matrix: Matrix;
  readonly units: TokenUnits;
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

/**
 * What the key finds in the token matrices of a checkpoint, with `rivals` in all that may be one. @throws what `namesOf` throws
 */
export async function storedTokens(
  checkpoint: Checkpoint,
  key: ModelKey,
  tokenizer?: string,
  { rivals = false } = {},
): Promise<TokenFinding<StoredTokenMatrix>[]> {
  return readTokens(await tokenMatrices(checkpoint, { rivals }), await namesOf(checkpoint, tokenizer), key);
}

/** Of the two ways to address tokens the first, by name, where a tokenizer gives names: it survives a new order. */
export function chosenTokens<Finding extends TokenFinding>(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ matrix }, i) => findings.findIndex((one) => one.matrix === matrix) === i);
}
