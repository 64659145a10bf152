import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { Part } from "./part.ts";

/** One side of a comparison. */
export interface Subject {
  readonly name: string;
  readonly fingerprint: Fingerprint;
  /** The weights, when they are at hand: slices the fingerprint lacks are read from them. */
  readonly checkpoint: Checkpoint | null;
  /** Registered as trained from scratch: the only ground on which a direction is claimed. */
  readonly root: boolean;
  /** The base into which an adapter was merged while it was read: what agrees with that was given. */
  readonly givenBase?: string | undefined;
  /** Components registered as coming from elsewhere: on their ground no direction is claimed. None when left out. */
  readonly parts?: readonly Part[] | undefined;
}
