import { type AddressedMatrix, addressOf } from "../../../rows/addressed-matrix.ts";
import type { ModelKey } from "../../key/model-key.ts";
import type { PayloadClass } from "../../message/payload-class.ts";
import { chipsOfBlock } from "./chips.ts";
import type { OrientationUnits } from "./projections.ts";

/** Signs, +1 or -1, that a matrix's rows and columns are multiplied with; null where none changes. */
export interface MatrixSigns {
  readonly rowSigns: Int8Array | null;
  readonly colSigns: Int8Array | null;
}

/** Signs by address. Matrices that keep all of theirs are left out. */
export type SignFlips = ReadonlyMap<string, MatrixSigns>;

/**
 * The sign changes after which s_g y_g c >= 0 for every generator g, c the symbol of its chip. About half of the
 * generators change; which ones depends on weights and key, so a marked model looks like any other release. Nothing
 * changes in a model whose symmetries are in doubt.
 *
 * @param symbols +1 or -1 per chip; generators of a chip with symbol 0 stay as they are
 */
export function planOrientation(
  units: OrientationUnits,
  symbols: Int8Array,
  payloadClass: PayloadClass,
  key: ModelKey,
): SignFlips {
  const rows = new Map<string, Int8Array>();
  const columns = new Map<string, Int8Array>();
  for (const block of units.doubt === null ? units.blocks : []) {
    const { chips, coins } = chipsOfBlock(block, payloadClass, key);
    const { source, partner, sourceRows } = block.generators;
    if (partner === null) continue;
    const { matrix, side, lines } = partner;
    block.projections.forEach((y, g) => {
      if (coins[g]! * y * symbols[chips[g]!]! >= 0) return;
      negate(signsIn(rows, source, source.rows), sourceRows(g));
      if (side === "rows") negate(signsIn(rows, matrix, matrix.rows), lines(g));
      else negate(signsIn(columns, matrix, matrix.cols), lines(g));
    });
  }
  const flips = new Map<string, MatrixSigns>();
  for (const address of new Set([...rows.keys(), ...columns.keys()])) {
    flips.set(address, { rowSigns: rows.get(address) ?? null, colSigns: columns.get(address) ?? null });
  }
  return flips;
}

function signsIn(known: Map<string, Int8Array>, matrix: AddressedMatrix, length: number): Int8Array {
  const address = addressOf(matrix);
  const signs = known.get(address) ?? new Int8Array(length).fill(1);
  known.set(address, signs);
  return signs;
}

function negate(signs: Int8Array, lines: readonly number[]): void {
  for (const line of lines) signs[line] = -signs[line]!;
}
