/** One file of a repository as its tree lists it. Names are the publisher's to choose: hostile. */
export interface HubFile {
  /** "/"-separated, relative. */
  readonly path: string;
  /** Bytes of the content, not of an LFS pointer. */
  readonly size: number;
  /** Git object name, hex. */
  readonly oid: string;
  /** SHA-256 of the content where the Hub knows it (LFS and Xet files), hex, else null. */
  readonly sha256: string | null;
}

/** A repository at one commit: what names resolve to before a byte is read. */
export interface HubRepository {
  /** "org/name", as the Hub spells it. */
  readonly id: string;
  /** 40 hex digits. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** A repository that a listing names, not looked into yet. */
export interface HubListing {
  readonly id: string;
  /** The commit its default branch is at. */
  readonly commit: string;
  /** False or the kind of gate ("auto", "manual"). */
  readonly gated: false | string;
  /** Paths that it has, or null when the listing did not say. */
  readonly paths: readonly string[] | null;
}
