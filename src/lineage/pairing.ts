import type { MatrixPair } from "./matrix-pair.ts";
import type { LayerMatch } from "./result.ts";

/** A layer of the suspect over a layer of the base, by their numbers. */
export type LayerPair = LayerMatch & { readonly base: number };

/** One way to lay the suspect's matrices over the base's, and how many ways it was chosen from. */
export interface Pairing {
  /** The base's stack, and the suspect's. */
  readonly component: string;
  readonly suspectComponent: string;
  readonly pairs: readonly MatrixPair[];
  /** Which layer lies over which; several where one was stored several times. */
  readonly layers: readonly LayerPair[];
  readonly log10Tried: number;
  /** Whether content, and no name, laid each matrix over its partner. */
  readonly isChosen?: boolean;
  /** Whether it holds matrices that are equal, and nothing else. */
  readonly isEqual?: boolean;
  /** Matrices that were not matched by content, for there are too many of their shape. */
  readonly leftOut?: number;
  /** log10 of the matrices that each one was chosen from by its content, where tests of single matrices count them. */
  readonly log10Candidates?: number;
}
