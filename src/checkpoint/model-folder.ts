import type { ByteSource } from "../bytes/byte-source.ts";
import type { DirectoryListing } from "./directory-listing.ts";

export interface OpenedFile {
  readonly source: ByteSource;
  /** Where it lies on this machine, every link resolved, or null. */
  readonly absolutePath: string | null;
}

/** Where the files of a model lie, on this machine or far away. Names in it are relative and "/"-separated. */
export interface ModelFolder {
  /** Path or pinned address, as messages show it. */
  readonly location: string;
  /** Every file costs round trips: several are opened at a time, and none that can be done without. */
  readonly remote: boolean;
  /** What messages call a file of it. */
  shown(name: string): string;
  /** What is there, or null when nobody can say (a plain web server). */
  list(): Promise<DirectoryListing | null>;
  /** What was listed so far, without listing it. @default nothing */
  known?(): Promise<DirectoryListing | null>;
  /** Some of the folders below it that hold weights, as messages show them. */
  below(): Promise<readonly string[]>;
  /**
   * @param name checked where it comes from a file, see `checkShardName`
   * @throws FILE_NOT_FOUND when there is no such file; PATH_ESCAPES_ROOT and what the source throws
   */
  open(name: string): Promise<OpenedFile>;
}

/** One model, found but not opened. */
export interface FoundModel {
  /** As reports name it: a path as it was given, or a pinned address. */
  readonly location: string;
  /** Commit of a Hub repository, else null. */
  readonly revision: string | null;
  readonly folder: ModelFolder;
  /** One file of the folder that was named itself (weights, or a shard index), or null for the folder. */
  readonly file: string | null;
  /** What of the finding deserves a note. @default nothing */
  readonly notes?: readonly string[] | undefined;
  /** Whether it lies inside of an archive: nothing of it is a file of this machine then. @default false */
  readonly isInside?: boolean | undefined;
  /** Gives back what was opened to find it. */
  close(): Promise<void>;
}
