import { createHash } from "node:crypto";

/** Algorithms of OpenSSF Model Signing for the content of files, as it names them. */
export const HASH_NAMES = ["sha256", "blake2b", "blake3"] as const;
export type HashName = (typeof HASH_NAMES)[number];
/** Length of a digest, hex digits. */
export const HASH_DIGITS: Readonly<Record<HashName, number>> = { sha256: 64, blake2b: 128, blake3: 64 };

/** How files became resources. */
export interface Serialization {
  readonly hash: HashName;
  /** Bytes of the pieces that files were hashed in, or null for whole files. */
  readonly shardSize: number | null;
  /** Whether symbolic links were followed to files. */
  readonly allowSymlinks: boolean;
  /** What was left out: paths below the root, each with all that lies below it. */
  readonly ignorePaths: readonly string[];
}

/** One file, or one piece of one. */
export interface Resource {
  /** Of the file: relative to the root, "/"-separated, canonical. Hostile where it was read: never a path. */
  readonly path: string;
  /** Bytes of the file from start to end, or null for all of it. */
  readonly range: readonly [start: number, end: number] | null;
  /** Hex. */
  readonly digest: string;
}

/** All that was signed. */
export interface Manifest {
  /** What the signer called the model. Hostile. */
  readonly name: string;
  readonly serialization: Serialization;
  /** In the order in which the root digest takes them. */
  readonly resources: readonly Resource[];
}

/** What a statement calls a resource. */
export function resourceName({ path, range }: Resource): string {
  return range === null ? path : `${path}:${range[0]}:${range[1]}`;
}

/** By Unicode code points, as the specification sorts names; JavaScript's own order is by code units. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** SHA-256 over the digests one after the other, whatever the hash of the files. Section 6.5.1 of the specification. */
export function rootDigest(resources: readonly Resource[]): string {
  const hash = createHash("sha256");
  for (const { digest } of resources) hash.update(Buffer.from(digest, "hex"));
  return hash.digest("hex");
}
