import type { HubRepository } from "../checkpoint/hub/repository.ts";

/** One model of a scan, pinned before anything of it is read. Plain data: it travels to threads, journals and databases. */
export interface ScanTarget {
  /** The same model of the same scan has the same id: "hf:org/name@<commit>", an address, or the path as it was found. */
  readonly id: string;
  /** What it is called in reports: "org/name", or the path below the root. Hostile. */
  readonly name: string;
  /** What `openCheckpoint` takes. */
  readonly location: string;
  /** Commit of a Hub repository, else null. */
  readonly revision: string | null;
  /**
   * BLAKE3 (hex) over the SHA-256 and size of the weight files where these are known without reading them (Hub listing,
   * Hub cache), else null. Two targets with one content are read once.
   */
  readonly content: string | null;
  /**
   * BLAKE3 (hex) over device, inode, size and time of change of the weight files on this machine, else null: one model
   * under two paths is read once. Says nothing of the content, so nothing is cached by it.
   */
  readonly identity: string | null;
  /** What lies beside the weights and is not looked at, to be told with the result. @default nothing */
  readonly notes?: readonly string[] | undefined;
  /** Bytes of weights where known, else null. */
  readonly bytes: number | null;
  /** What of a Hub repository tells its weights, so that anyone who reads them does not ask again; else null. */
  readonly repository: HubRepository | null;
}

/** A target of which nothing is known but where it lies. */
export function plainTarget(path: string, name: string): ScanTarget {
  return {
    id: path,
    name,
    location: path,
    revision: null,
    content: null,
    identity: null,
    bytes: null,
    repository: null,
  };
}
