import type { ErrorCode } from "../errors.ts";
import type { Direction, Verdict } from "../lineage/result.ts";

/** Why a target has no result. */
export interface ScanFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: string | null;
  /** The network or the machine failed, not the model: `--resume` tries it again, and the scan is incomplete. */
  readonly passing: boolean;
}

/** A registered base that the model was held against, in short. */
export interface ScanMatch {
  readonly name: string;
  readonly verdict: Verdict;
  readonly direction: Direction;
  readonly relations: readonly string[];
  readonly log10P: number | null;
  readonly matchedLayers: number;
  /** What is claimed of the model, to be said after its name; journals of earlier versions have none. */
  readonly claim?: string | undefined;
}

/** One watermark key held against the model. */
export interface ScanMark {
  /** Public name of the key. Never the key, nor the path of its file. */
  readonly keyId: string;
  /** "none" or the strength of the evidence, corrected for the number of keys. */
  readonly level: string;
  readonly present: boolean;
  readonly log2P: number;
  /** Hex, or null when none was read. */
  readonly payload: string | null;
}

/** Requests made for one target, by what a Hub's limits tell apart. */
export interface ScanRequests {
  readonly api: number;
  readonly resolve: number;
  readonly storage: number;
}

/**
 * What came of one target. Plain data; the line of a journal, the row of a database and, in an envelope, the line of JSONL.
 *
 * - `done`: fingerprinted, and whatever was asked for was answered
 * - `duplicate`: the same weights as `duplicateOf`, whose answers are repeated here; nothing was read
 * - `skipped`: nothing here that can be read (no weights, other formats): `failure` says why; nothing is wrong
 * - `failed`: refused or not reached: `failure` says why
 */
export interface ScanItem {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly revision: string | null;
  readonly content: string | null;
  /** Of the target when it was listed: a scan that goes on must not take what lies there by then for what was read. */
  readonly identity?: string | null | undefined;
  /** What lies beside the weights and was not looked at, as the target says. */
  readonly notes?: readonly string[] | undefined;
  readonly status: "done" | "duplicate" | "skipped" | "failed";
  readonly duplicateOf: string | null;
  readonly failure: ScanFailure | null;
  /** The best candidate's, or null where there is no answer or none was asked for. */
  readonly verdict: Verdict | null;
  readonly summary: string | null;
  /** Best first, at most 3. */
  readonly matches: readonly ScanMatch[];
  readonly caveats: readonly string[];
  readonly marks: readonly ScanMark[];
  readonly sampledRoot: string | null;
  readonly family: string | null;
  readonly parameters: number | null;
  /** Whether the fingerprint came from the cache. */
  readonly cached: boolean;
  readonly bytesRead: number;
  readonly bytesTotal: number | null;
  readonly requests: ScanRequests;
  /** Milliseconds of work, null with a deterministic clock. */
  readonly elapsedMs: number | null;
  /** ISO 8601, null with a deterministic clock. */
  readonly finishedAt: string | null;
}

/** Everything that has to be known to read the answer rightly. */
export function caveatsOf({ notes, caveats }: ScanItem): string[] {
  return [...(notes ?? []), ...caveats];
}
