import type { Fingerprint, LayerCode } from "../fingerprint/fingerprint.ts";
import type { Part } from "./part.ts";

/** A stored base that may resemble the suspect. The score ranks; it never decides. */
export interface RankedBase {
  /** BLAKE3 of the fingerprint file's bytes, hex: the key for `load`. */
  readonly digest: string;
  /** Opaque and hostile, as the one who registered it typed it. */
  readonly name: string;
  /** Registered as trained from scratch. */
  readonly root: boolean;
  /** Components registered as coming from other entries. None when left out. */
  readonly parts?: readonly Part[] | undefined;
  /** About a z score of the best layer agreements; larger is closer. */
  readonly score: number;
}

/** The read side of a registry: what identification needs of it, wherever it is kept. */
export interface CandidateSource {
  /** Stored bases. */
  readonly entries: number;
  /** BLAKE3 over the entries, hex: two registries of the same bases have the same one. */
  readonly digest: string;
  /** ISO 8601 time of the last change, or null. */
  readonly updatedAt: string | null;
  /** The best-scoring bases first, at most `limit`; bases without a layer of the same width are left out. */
  candidates(codes: readonly LayerCode[], limit: number): Promise<readonly RankedBase[]>;
  /** The stored fingerprint, its digest checked. */
  load(digest: string): Promise<Fingerprint>;
}
