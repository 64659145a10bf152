/** The pieces of one file that was split without a word: joined they are the file. */
export interface SplitFile {
  /** What the whole is called. */
  readonly name: string;
  /** Names of its pieces in order. */
  readonly parts: readonly string[];
  /** What the first piece that is not there is called, or null; one that is missing at the end nobody can tell. */
  readonly missing: string | null;
}

/** Names in a model's directory that matter here, each list in code-unit order. */
export interface DirectoryListing {
  readonly safetensors: readonly string[];
  /** See `isShardIndex`. */
  readonly indexes: readonly string[];
  /** Indexes of shards in other containers, see `isShardIndex`. */
  readonly foreignIndexes: readonly string[];
  /** Weights in other containers, by their names. */
  readonly foreign: readonly string[];
  /** Names that tell what a file of an ambiguous name beside them is, see `kindByName`. */
  readonly companions: ReadonlySet<string>;
  /** Downloads that are not complete, and what downloads put beside such a file. */
  readonly unfinished: readonly string[];
  /** A diffusers pipeline: one model per subdirectory. */
  readonly isPipeline: boolean;
  /** Files that were split, by the names of the wholes, which stand in the other lists as if they were there. */
  readonly split: ReadonlyMap<string, SplitFile>;
}
