import type { Slice } from "./slice.ts";

/** Version of the rules by which deep parts are taken: those of different versions are not compared. */
export const DEEP_VERSION = 1;
/** Tokens that a stream is seen from at most, and as many again that are held against each other. */
export const MAX_FRAME = 256;
/** A frame of fewer tokens has too few signs to tell neurons apart; frames have a multiple of so many, in runs of so many. */
export const LEAST_FRAME = 48;
export const FRAME_STEP = 16;
/** Streams wider than any, and those of which dimensions are kept. */
export const MAX_WIDTH = 1 << 17;
export const MAX_COLUMNS = 1 << 13;
/** Rows of tokens that training never saw, first neurons of which values are kept. */
export const MAX_UNTRAINED = 512;
export const BLOCK_NEURONS = 512;
/**
 * Of more neurons than this the first ones of two models that were numbered otherwise have next to none in common; where they
 * were not, half as many show all that is asked of values.
 */
const MANY_NEURONS = 1 << 13;
/** Neurons of a layer of which signs are kept, channels of its values of which numbers are; layers that are kept. */
export const KEPT_NEURONS = 7168;
export const KEPT_CHANNELS = 512;
export const MAX_NETWORKS = 4;
/** Bytes by which a registry finds the models that have a frame in common. */
export const DEEP_CODE_BYTES = 128;

/** Neurons of so many of which values are kept. */
export function keptValues(neurons: number): number {
  return Math.min(neurons, neurons > MANY_NEURONS ? BLOCK_NEURONS / 2 : BLOCK_NEURONS);
}

/** Signs of rows: bit j & 31 of word j >> 5 is 1 where number j of the row is negative; rows begin at words. */
export interface SignRows {
  readonly width: number;
  readonly words: Uint32Array;
}

export function rowCount({ width, words }: SignRows): number {
  return words.length / Math.ceil(width / 32);
}

/** Views of the neurons of a feed-forward network: what opens them, what they read, what they write. */
export interface NetworkViews<T> {
  readonly gate: T | null;
  readonly up: T | null;
  readonly down: T | null;
}

/** One layer, its feed-forward network above all, seen from the frame's tokens. */
export interface NetworkPart {
  readonly layer: number;
  /** Of the network. */
  readonly neurons: number;
  /** Whether neurons stand in order of size, so that no renumbering is as likely as another. */
  readonly sorted: boolean;
  /** Of its first neurons, in the weaker directions. `down` is left out where there is a gate. */
  readonly signs: NetworkViews<SignRows>;
  /** Values of the first neurons in all directions, in int8. */
  readonly values: NetworkViews<Slice>;
  /** How long those rows are in the stream itself, which no rotation changes; kept in no file. */
  readonly lengths?: NetworkViews<Float32Array>;
  /** Rows of attention's first value channels in all directions, whole fours of them; null where it has none. */
  readonly channels: Slice | null;
  /** Neurons seen from other neurons of the same layer, which needs no tokens; null where there are too few. */
  readonly anchors: SignRows | null;
}

/** Tokens by id, with the first 8 bytes of SHA-256 of each one's text where a tokenizer lies beside the weights. */
export interface TokenList {
  readonly ids: Uint32Array;
  /** Two words a token. */
  readonly texts: Uint32Array | null;
}

/**
 * What a model looks like from its own tokens, neurons from neurons: the same numbers however its residual stream was rotated
 * or renumbered. About 3.3 MB of a 7B model, of which signs of neurons are the most.
 */
export interface DeepPart {
  readonly version: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly layers: number;
  /** Tokens that the stream is seen from, and as many again. */
  readonly frame: TokenList;
  /** Signs of the second half of `frame`'s rows in the weakest directions. */
  readonly heldOut: SignRows;
  /** Tokens that training never saw, and signs of their rows in the weakest directions. */
  readonly untrained: TokenList & { readonly signs: SignRows };
  /** Signs of every dimension of the stream, as the tokens of `frame` have it; null for very wide ones. */
  readonly columns: SignRows | null;
  readonly networks: readonly NetworkPart[];
  /** Signs of products of the frame's tokens in the weaker directions: nominates candidates, decides nothing. */
  readonly code: Uint8Array;
}
