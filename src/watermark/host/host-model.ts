import type { RotaryRows } from "../../alignment/head-mix.ts";
import type { HeadShape } from "../../anatomy/fused.ts";
import type { AddressedMatrix } from "../../rows/addressed-matrix.ts";

/** Which signs of a model mean nothing to its function. Plain data, in the coordinates of the model that was marked. */
export interface SignSymmetries {
  /**
   * Rows of a key head, and of the query heads that share it, whose signs may change together: two that turn in a plane,
   * and every other row by itself. Null when that is not known.
   */
  readonly keys: RotaryRows | null;
  /** Why signs may be read but must not be changed; null when the architecture is known with certainty. */
  readonly doubt: string | null;
}

/** A model as the carriers see it: straight from a checkpoint, or re-synchronised by a sketch. */
export interface HostModel {
  readonly matrices: readonly AddressedMatrix[];
  /** Query heads, key/value heads and rows of one head, from the config or the shapes; null when unknown. */
  readonly heads: HeadShape | null;
  readonly symmetries: SignSymmetries;
  /** Whether the order and signs of neurons, heads and layers were recovered by a sketch rather than taken as they are. */
  readonly synchronised: boolean;
}
