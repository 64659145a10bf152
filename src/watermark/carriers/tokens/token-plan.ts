import type { LowRankEdit } from "../../host/tensor-edit.ts";
import type { ModelKey } from "../../key/model-key.ts";
import { chipMoves } from "../../message/chip-moves.ts";
import type { PayloadClass } from "../../message/payload-class.ts";
import { dualDirections } from "./dual-directions.ts";
import { DIRECTIONS } from "./token-draws.ts";
import type { TokenMatrix } from "./token-matrix.ts";
import { chipOf, tokenReading, unitCounts } from "./token-reading.ts";
import { normalise, type TokenUnits } from "./token-units.ts";

/** What marking a token matrix comes to. */
export interface TokenPlan {
  readonly edit: LowRankEdit;
  /** Value of a chip times its symbol after marking: of every chip where they carry bits, the mean of zero-bit ones. */
  readonly alpha: number;
  /** Statistic over all chips after marking, near alpha * sqrt(chips). */
  readonly statistic: number;
  /** RMS of the change over RMS of the stored elements of the carrier rows, before rounding. */
  readonly rms: number;
  /** What a reader of the marked matrix will find, rounding apart. */
  readonly predicted: TokenUnits;
}

/**
 * The change that gives chip i the value alpha * symbols[i] (for zero-bit: raises all chips alike), of RMS `rho` relative
 * to the carrier rows. `symbols`: +1 or -1 per chip. Null when alpha would be below 1.
 */
export function planTokens(
  matrix: Pick<TokenMatrix, "rows" | "cols" | "gain">,
  units: TokenUnits,
  symbols: Int8Array,
  payloadClass: PayloadClass,
  key: ModelKey,
  rho: number,
): TokenPlan | null {
  const { scales, coins, places, tokens } = units;
  const dual = dualDirections(units.directions, matrix.cols, matrix.gain);
  if (dual === null) return null;
  const counts = unitCounts(units, symbols.length);
  // Energy in stored elements that one unit of movement of a chip costs: independent coins, so squares add.
  const costs = new Float64Array(symbols.length);
  for (let i = 0; i < places.length; i++) {
    const chip = chipOf(places[i]!, symbols.length);
    costs[chip]! += (scales[i % DIRECTIONS]! ** 2 * dual.squares[i % DIRECTIONS]!) / counts[chip]!;
  }
  const energy = (rho * units.rms) ** 2 * tokens.length * matrix.cols;
  const moves = chipMoves(tokenReading(units, payloadClass).values, symbols, costs, energy, payloadClass);
  if (moves === null) return null;

  const raw = new Float64Array(units.values.length);
  const coefficients = new Float32Array(matrix.rows * DIRECTIONS);
  let spent = 0;
  for (let i = 0; i < raw.length; i++) {
    const k = i % DIRECTIONS;
    const chip = chipOf(places[i]!, symbols.length);
    const move = (coins[i]! * moves.distances[chip]! * scales[k]!) / Math.sqrt(counts[chip]!);
    coefficients[tokens[(i - k) / DIRECTIONS]! * DIRECTIONS + k] = move;
    raw[i] = units.values[i]! * scales[k]! + move;
    spent += move * move * dual.squares[k]!;
  }
  const predicted = { ...units, ...normalise(raw) };
  const { values, energies } = tokenReading(predicted, payloadClass);
  const sum = values.reduce((total, value, i) => total + symbols[i]! * value, 0);
  return {
    edit: {
      rank: DIRECTIONS,
      coefficients,
      directions: dual.directions,
      ditherKey: key.subkey(`${units.carrier}/dither`),
    },
    alpha: sum / symbols.length,
    statistic: sum / Math.sqrt(energies.reduce((a, b) => a + b, 0)),
    rms: Math.sqrt(spent / (tokens.length * matrix.cols)) / units.rms,
    predicted,
  };
}
