import type { PayloadClass } from "./payload-class.ts";

/** Below this a chip says less than its own host did, and 64 pilots stay near 2^-46: not worth the change. */
const MIN_ALPHA = 1;

export interface ChipMoves {
  /** Mean of the targets times their symbols. */
  readonly alpha: number;
  /** What every chip is brought to. */
  readonly targets: Float64Array;
  /** What is added to the value of every chip; nothing where that costs nothing, for there is nothing to move. */
  readonly distances: Float64Array;
}

/**
 * How far to move chips of the present `values` towards their `symbols` when moving chip i by d costs costs[i] d^2 and
 * `energy` may be spent in all. Chips that carry bits are brought to one value, alpha * symbol: the host is cancelled and the
 * decoder sees no noise of it. The zero-bit mark counts in the sum alone, so no energy goes into cancelling: all chips
 * move alike, which gives the sum the most.
 */
export function chipMoves(
  values: Float64Array,
  symbols: Int8Array,
  costs: Float64Array,
  energy: number,
  { payloadBits }: PayloadClass,
): ChipMoves | null {
  const moves =
    payloadBits === 0 ? evenMoves(values, symbols, costs, energy) : cancellingMoves(values, symbols, costs, energy);
  return moves !== null && moves.alpha >= MIN_ALPHA ? moves : null;
}

function evenMoves(values: Float64Array, symbols: Int8Array, costs: Float64Array, energy: number): ChipMoves {
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const step = total > 0 ? Math.sqrt(energy / total) : 0;
  const mean = values.reduce((sum, value, i) => sum + symbols[i]! * value, 0) / values.length;
  const distances = Float64Array.from(symbols, (symbol) => symbol * step);
  return { alpha: mean + step, targets: values.map((value, i) => value + distances[i]!), distances };
}

/** The larger root alpha of sum costs_i (alpha s_i - x_i)^2 = energy. */
function cancellingMoves(
  values: Float64Array,
  symbols: Int8Array,
  costs: Float64Array,
  energy: number,
): ChipMoves | null {
  let [square, cross, host] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    square += costs[i]!;
    cross += costs[i]! * symbols[i]! * values[i]!;
    host += costs[i]! * values[i]! * values[i]!;
  }
  const discriminant = cross * cross - square * (host - energy);
  if (!(square > 0 && discriminant >= 0)) return null;
  const alpha = (cross + Math.sqrt(discriminant)) / square;
  const targets = Float64Array.from(symbols, (symbol) => alpha * symbol);
  return { alpha, targets, distances: values.map((value, i) => (costs[i]! > 0 ? targets[i]! - value : 0)) };
}
