import type { MatrixSketch } from "../fingerprint/fingerprint.ts";

/** The sketches of one layer of a stack. */
export interface Layer {
  readonly number: number;
  readonly sketches: readonly MatrixSketch[];
}
