import type { ReferenceComponent } from "../../alignment/reference.ts";
import type { HeadShape } from "../../anatomy/fused.ts";
import type { SignSymmetries } from "../host/host-model.ts";

export const SKETCH_VERSION = 1;

/**
 * What the owner keeps of a released model to undo later what hides it: enough to recognise its tokens, neurons and heads
 * in whatever order, sign and basis they come back, in a hundredth of the model's bytes. Secret, because it says where the
 * reference coordinates are, but without the key it removes nothing. Made before the spread and embedding marks, after
 * sign orientation.
 */
export interface Sketch {
  readonly keyId: string;
  readonly release: string;
  readonly heads: HeadShape | null;
  readonly symmetries: SignSymmetries;
  readonly components: readonly ReferenceComponent[];
}
