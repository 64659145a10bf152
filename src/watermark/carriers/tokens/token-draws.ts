import { createHmac } from "node:crypto";
import { keystream } from "../../key/keystream.ts";
import type { ModelKey } from "../../key/model-key.ts";
import type { TokenNames } from "./token-names.ts";

/** Token tables stand in no layer. */
export const OUTSIDE_LAYERS = -1;

/** Secret directions that every carrier token is projected on. */
export const DIRECTIONS = 8;
/** Leading directions of real embeddings that are taken out: they hold most of the variance and would cost most energy. */
export const LEADING = 8;

/** 48 bytes of keystream belong to a token: one SHA-384, three blocks of AES. */
const RECORD = 48;
/** One token of 16 gives the directions instead of carrying anything. */
const REFERENCE_BELOW = 2 ** 28;
/** Control tokens and single bytes stand first in nearly every vocabulary; so do the words that every fine-tune touches. */
const FIRST_TOKEN = 256;
const SHORTEST_NAME = 3;

/** How tokens are told apart: by number, or by the bytes of their names, which survive a reordered vocabulary. */
export type Addressing = "id" | "name";

/** What the key says of every token (row) of a vocabulary. */
export interface TokenDraws {
  readonly addressing: Addressing;
  /** Tokens that carry chips, rising. */
  readonly carriers: Uint32Array;
  /** Tokens whose rows make the directions, by rising draw: the first ones of them are a keyed sample. */
  readonly references: Uint32Array;
  /** Which of the directions a reference token belongs to, and its sign in it. */
  direction(token: number): { readonly index: number; readonly sign: 1 | -1 };
  /** The same for the start of the search for the leading directions; independent of `direction`. */
  leading(token: number): { readonly index: number; readonly sign: 1 | -1 };
  /** 16 bits that place the projection on direction k among the chips. */
  place(token: number, k: number): number;
  /** The coin of the projection on direction k. */
  coin(token: number, k: number): 1 | -1;
}

/**
 * Draws of `rows` tokens under the subkey of `carrier`. A draw depends on the token's address alone, never on the size
 * of the vocabulary or on other tokens, so that padding and added tokens change nothing for the old ones. Two tokens of
 * one name would share coins: `TokenNames` are distinct.
 */
export function tokenDraws(
  key: ModelKey,
  carrier: "embedding" | "head",
  rows: number,
  names: TokenNames | null,
): TokenDraws {
  const records = names === null ? recordsById(key, carrier, rows) : recordsByName(key, carrier, rows, names);
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const carriers: number[] = [];
  const references: number[] = [];
  for (let token = 0; token < rows; token++) {
    const name = names?.[token];
    if (names === null ? token < FIRST_TOKEN : name == null || name.length < SHORTEST_NAME) continue;
    (drawOf(token) < REFERENCE_BELOW ? references : carriers).push(token);
  }
  references.sort((a, b) => drawOf(a) - drawOf(b) || a - b);

  function drawOf(token: number): number {
    return view.getUint32(token * RECORD);
  }
  const byte = (token: number, at: number): number => records[token * RECORD + at]!;
  return {
    addressing: names === null ? "id" : "name",
    carriers: Uint32Array.from(carriers),
    references: Uint32Array.from(references),
    direction: (token) => ({ index: byte(token, 4) % DIRECTIONS, sign: signOf(byte(token, 5)) }),
    leading: (token) => ({ index: byte(token, 6) % LEADING, sign: signOf(byte(token, 7)) }),
    place: (token, k) => view.getUint16(token * RECORD + 8 + 2 * k),
    coin: (token, k) => signOf(byte(token, 40 + (k >> 3)) >> (k & 7)),
  };
}

function signOf(bits: number): 1 | -1 {
  return (bits & 1) === 0 ? 1 : -1;
}

function recordsById(key: ModelKey, carrier: string, rows: number): Uint8Array {
  const records = new Uint8Array(rows * RECORD);
  keystream(key.layerSubkey(`${carrier}/ids`, OUTSIDE_LAYERS), "tokens").fill(records, 0);
  return records;
}

function recordsByName(key: ModelKey, carrier: string, rows: number, names: TokenNames): Uint8Array {
  const records = new Uint8Array(rows * RECORD);
  const subkey = key.layerSubkey(`${carrier}/names`, OUTSIDE_LAYERS);
  for (let token = 0; token < rows; token++) {
    const name = names[token];
    if (name == null || name.length < SHORTEST_NAME) continue;
    records.set(createHmac("sha384", subkey).update(name, "utf8").digest(), token * RECORD);
  }
  return records;
}
