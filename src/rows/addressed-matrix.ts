import type { Role } from "../anatomy/anatomy.ts";
import type { DirectDtype } from "../kernels/coins.ts";

/** Where a matrix stands in a model, whatever the name or place of its tensor. */
export interface Address {
  readonly component: string;
  readonly layer: number;
  readonly expert: number;
  readonly role: Role;
}

/** One matrix [rows = out, cols = in], as it is stored or as it lies in the coordinates of another model. */
export interface AddressedMatrix extends Address {
  readonly rows: number;
  readonly cols: number;
  /** Rows [first, first + count), f32, row-major. */
  read(first: number, count: number): Promise<Float32Array>;
  /** The same rows in the type they are stored in, where kernels take that type and rows are stored as rows. */
  readonly stored?: (first: number, count: number) => Promise<StoredPiece>;
  /**
   * Gain of the norm that the matrix reads, `cols` factors; null when there is none. Whether a model keeps it apart or folded
   * into the matrix is a matter of taste.
   */
  readonly gain?: () => Promise<Float32Array | null>;
}

/** Rows about to be read, row-major: `fill` writes them to a target of exactly their length. */
export interface StoredPiece {
  readonly dtype: DirectDtype;
  readonly fill: (target: Uint8Array) => void;
}

/** An address in words: "language/3/up/-1". What keystreams are addressed by, so that it can never change. */
export function addressOf({ component, layer, role, expert }: Address): string {
  return `${component}/${layer}/${role}/${expert}`;
}
