import type { Role } from "../../anatomy/anatomy.ts";
import type { DirectDtype } from "../../kernels/coins.ts";

/**
 * Where a matrix stands in the model that was marked: what keystreams are addressed by, never a tensor's name or place
 * in a file. `component/layer/role/expert`, for example "language/3/up/-1".
 */
export interface Address {
  readonly component: string;
  readonly layer: number;
  readonly expert: number;
  readonly role: Role;
}

/** One matrix [rows = out, cols = in] in the coordinates of the model that was marked. */
export interface HostMatrix extends Address {
  readonly rows: number;
  readonly cols: number;
  /** Rows [first, first + count), f32, row-major. */
  read(first: number, count: number): Promise<Float32Array>;
  /** The same rows in the type they are stored in, where kernels take that type and rows are stored as rows. */
  readonly stored?: (first: number, count: number) => Promise<StoredPiece>;
  /** Gain of the norm that the matrix reads, `cols` factors; null when there is none. Whether a model keeps it apart or
   * folded into the matrix is a matter of taste, so carriers without column scales of their own multiply by it. */
  readonly gain?: () => Promise<Float32Array | null>;
}

/** Rows about to be read, row-major: `fill` writes them to a target of exactly their length. */
export interface StoredPiece {
  readonly dtype: DirectDtype;
  readonly fill: (target: Uint8Array) => void;
}

/** Which signs of a model mean nothing to its function. Plain data, in the coordinates of the model that was marked. */
export interface SignSymmetries {
  /**
   * Rows of a key head, and of the query heads that share it, whose signs may change together. Of the rows of a head the
   * first `rotaryRows` turn in planes, (i, i + rotaryRows / 2) or (2 i, 2 i + 1); every other row stands alone. Null when
   * that is not known.
   */
  readonly keys: { readonly rotaryRows: number; readonly pairing: "half" | "adjacent" } | null;
  /** Why signs may be read but must not be changed; null when the architecture is known with certainty. */
  readonly doubt: string | null;
}

/** A model as the carriers see it: straight from a checkpoint, or re-synchronised by a sketch. */
export interface HostModel {
  readonly matrices: readonly HostMatrix[];
  /** Query heads, key/value heads and rows of one head, from the config or the shapes; null when unknown. */
  readonly heads: { readonly heads: number; readonly kvHeads: number; readonly headSize: number } | null;
  readonly symmetries: SignSymmetries;
  /** Whether the order and signs of neurons, heads and layers were recovered by a sketch rather than taken as they are. */
  readonly synchronised: boolean;
}

export function addressOf({ component, layer, role, expert }: Address): string {
  return `${component}/${layer}/${role}/${expert}`;
}
