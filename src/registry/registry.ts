import type { Depth, Fingerprint } from "../fingerprint/fingerprint.ts";
import type { CandidateSource } from "../lineage/candidate-source.ts";
import type { Part } from "../lineage/part.ts";
import type { SignatureRequirement } from "../signing/signed-content.ts";
import type { RegistryIndex } from "./registry-index.ts";

/** What a registry knows of one stored fingerprint without opening it. */
export interface RegistryEntry {
  /** BLAKE3 of the stored fingerprint bytes, hex. */
  readonly digest: string;
  /** Opaque and hostile: never a path, escaped on output. */
  readonly name: string;
  /** Trained from scratch, says the one who registered it: lets a verdict name a direction. */
  readonly root: boolean;
  /** Components that come from other entries, by component: on their ground no direction is claimed. */
  readonly parts: readonly Part[];
  /** ISO 8601, or null where the clock was switched off. */
  readonly addedAt: string | null;
  /** Size of the stored fingerprint in bytes. */
  readonly bytes: number;
  /** Extraction rules of the fingerprint: those of other versions are kept, but never candidates. */
  readonly version: number;
  readonly family: string;
  readonly depth: Depth;
  readonly parameters: number;
}

export interface AddOptions {
  readonly name: string;
  /** Register as trained from scratch; undefined keeps what an existing entry says. @default false */
  readonly root?: boolean | undefined;
  /** Components that come from other entries, in addition to those that an existing entry has. @default none */
  readonly parts?: readonly Part[] | undefined;
  /** Allow another fingerprint under the same name, or another name for the same fingerprint. @default false */
  readonly replace?: boolean | undefined;
}

export interface AddOutcome {
  readonly status: "added" | "unchanged" | "replaced";
  readonly entry: RegistryEntry;
}

/** Something `verify` found. An empty list means that every stored byte is what was registered. */
export interface RegistryProblem {
  readonly code: string;
  readonly digest: string | null;
  readonly name: string | null;
  readonly message: string;
}

export interface WorkOptions {
  /** Ends it, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface ImportOptions extends WorkOptions {
  /** Allow another fingerprint under the same name, or another name for the same fingerprint. @default false */
  readonly replace?: boolean | undefined;
  /** A signature that the archive must have: a forged registry accuses people. @default none */
  readonly signature?: SignatureRequirement | undefined;
}

/** Stored fingerprints. One contract, whatever keeps them. */
export interface Registry extends CandidateSource {
  /** Directory or address, as given. */
  readonly location: string;
  /** Number of changes made so far; never goes back. */
  readonly generation: number;
  /** All entries, by name and then digest. */
  list(): readonly RegistryEntry[];
  /** The entry of that name, digest, or unique digest prefix of at least 8 digits; throws REGISTRY_ENTRY_UNKNOWN. */
  find(nameOrDigest: string): RegistryEntry;
  /** The stored bytes, their digest checked; throws REGISTRY_ENTRY_POISONED, REGISTRY_ENTRY_MISSING. */
  read(digest: string): Promise<Uint8Array>;
  /** Throws REGISTRY_NAME_INVALID, REGISTRY_CONFLICT, REGISTRY_LOCKED. */
  add(fingerprint: Fingerprint, options: AddOptions): Promise<AddOutcome>;
  remove(nameOrDigest: string): Promise<RegistryEntry>;
  /** What `candidates` searches, for worker threads to share: see `openIndexedRegistry`. */
  index(): Promise<RegistryIndex>;
  /** The whole registry as one deterministic archive, in pieces. */
  exportArchive(): AsyncIterable<Uint8Array>;
  /** Verifies the whole archive before it changes anything; all of it is added, or nothing. */
  importArchive(path: string, options?: ImportOptions): Promise<readonly AddOutcome[]>;
  /** Reads everything again; never throws for what it finds. */
  verify(options?: WorkOptions): Promise<readonly RegistryProblem[]>;
}
