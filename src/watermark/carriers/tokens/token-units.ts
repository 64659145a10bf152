import { setImmediate } from "node:timers/promises";
import type { ModelKey } from "../../key/model-key.ts";
import { secretDirections } from "./directions.ts";
import { projectTokens, TILE_ELEMENTS } from "./project-tokens.ts";
import { type Reference, readReference, takesPart } from "./reference.ts";
import { type Addressing, DIRECTIONS, OUTSIDE_LAYERS, type TokenDraws, tokenDraws } from "./token-draws.ts";
import type { TokenCarrier, TokenMatrix } from "./token-matrix.ts";
import { MAX_TOKENS, type TokenNames } from "./token-names.ts";

/** Four times the widest model known; a row must fit into memory many times over. */
const MAX_COLS = 1 << 17;

/**
 * Projections of carrier tokens on secret directions. A unit is one of them: with the keyed coins as signs they are all
 * that the carrier's statistic is made of, and no coin takes part in computing them.
 */
export interface TokenUnits {
  readonly carrier: TokenCarrier;
  readonly addressing: Addressing;
  /** The carrier tokens, rising. */
  readonly tokens: Uint32Array;
  /** tokens.length x DIRECTIONS: projections of the centred rows, each direction over its RMS. */
  readonly values: Float32Array;
  /** The same for the coins, +1 or -1, and for the 16 bits that place a unit among the chips. */
  readonly coins: Int8Array;
  readonly places: Uint16Array;
  /** RMS of the projections on every direction; 0 for a direction that is not there. */
  readonly scales: Float64Array;
  /** DIRECTIONS x cols, orthonormal or zero. */
  readonly directions: Float64Array;
  /** RMS of the stored elements of the carrier rows. */
  readonly rms: number;
}

/**
 * Reads a token matrix under `key`, addressed by name when names are given and by number otherwise. Memory: 128 MiB for the
 * reference rows and about 200 bytes per token. Null when the matrix is too small for the mark,
 * or its part of the key was not opened.
 */
export async function readTokenUnits(
  matrix: TokenMatrix,
  key: ModelKey,
  names: TokenNames | null,
): Promise<TokenUnits | null> {
  if (!key.covers(OUTSIDE_LAYERS)) return null;
  const draws = tokenDraws(key, matrix.carrier, Math.min(matrix.rows, MAX_TOKENS), names);
  if (matrix.cols <= DIRECTIONS * 2 || matrix.cols > MAX_COLS || draws.carriers.length === 0) return null;
  const reference = await readReference(matrix, draws);
  if (reference === null) return null;
  const directions = secretDirections(reference, draws, matrix.cols);
  const { tokens, raw, rms } = await project(matrix, draws, reference, directions);
  if (tokens.length === 0) return null;
  return { ...unitsOf(tokens, raw, draws), carrier: matrix.carrier, addressing: draws.addressing, directions, rms };
}

/** Raw projections tokens x DIRECTIONS of the carrier tokens whose rows are of usual length, and the RMS of their elements. */
async function project(
  matrix: TokenMatrix,
  draws: TokenDraws,
  { mean, squares: bounds }: Reference,
  directions: Float64Array,
): Promise<{ tokens: Uint32Array; raw: Float32Array; rms: number }> {
  const { cols } = matrix;
  // The mean is one row more: what it takes from projections and lengths is known without centring every row.
  const basis = Float32Array.from([...directions, ...mean]);
  const columns = DIRECTIONS + 1;
  const offset = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    for (let c = 0; c < cols; c++) offset[k]! += mean[c]! * basis[k * cols + c]!;
  }
  const tokens = new Uint32Array(draws.carriers.length);
  const raw = new Float32Array(tokens.length * DIRECTIONS);
  const last = draws.carriers.at(-1)!;
  const step = Math.max(1, Math.floor(TILE_ELEMENTS / cols));
  let [kept, next, energy] = [0, 0, 0];
  for (let first = draws.carriers[0]!; first <= last; first += step) {
    const count = Math.min(step, last + 1 - first);
    const { products, stored, squares } = await projectTokens(matrix, first, count, basis);
    // Local reads are synchronous: without a turn of the event loop worker threads would wait for their tasks.
    await setImmediate();
    for (; next < draws.carriers.length && draws.carriers[next]! < first + count; next++) {
      const row = draws.carriers[next]! - first;
      const toMean = products[row * columns + DIRECTIONS]!;
      if (!takesPart(squares[row]! - 2 * toMean + offset[DIRECTIONS]!, bounds)) continue;
      const projected = raw.subarray(kept * DIRECTIONS, (kept + 1) * DIRECTIONS);
      for (let k = 0; k < DIRECTIONS; k++) projected[k] = products[row * columns + k]! - offset[k]!;
      if (!projected.every(Number.isFinite)) continue;
      energy += stored[row]!;
      tokens[kept++] = draws.carriers[next]!;
    }
  }
  return {
    tokens: tokens.slice(0, kept),
    raw: raw.subarray(0, kept * DIRECTIONS),
    rms: kept === 0 ? 0 : Math.sqrt(energy / (kept * cols)),
  };
}

function unitsOf(
  tokens: Uint32Array,
  raw: Float32Array,
  draws: TokenDraws,
): Pick<TokenUnits, "tokens" | "values" | "coins" | "places" | "scales"> {
  const coins = new Int8Array(raw.length);
  const places = new Uint16Array(raw.length);
  tokens.forEach((token, i) => {
    for (let k = 0; k < DIRECTIONS; k++) {
      coins[i * DIRECTIONS + k] = draws.coin(token, k);
      places[i * DIRECTIONS + k] = draws.place(token, k);
    }
  });
  return { tokens, ...normalise(raw), coins, places };
}

/** Every direction over its RMS. Directions on which nothing lies are zero. */
export function normalise(raw: Float32Array | Float64Array): Pick<TokenUnits, "values" | "scales"> {
  const count = raw.length / DIRECTIONS;
  const scales = new Float64Array(DIRECTIONS);
  for (let i = 0; i < raw.length; i++) scales[i % DIRECTIONS]! += (raw[i]! * raw[i]!) / count;
  const values = new Float32Array(raw.length);
  for (let k = 0; k < DIRECTIONS; k++) scales[k] = Math.sqrt(scales[k]!);
  for (let i = 0; i < raw.length; i++) {
    const scale = scales[i % DIRECTIONS]!;
    values[i] = scale > 0 ? raw[i]! / scale : 0;
  }
  return { values, scales };
}
