import type { Checkpoint } from "./checkpoint.ts";

/** Bytes of all files of a model, as they are stored. */
export function storedBytes({ files }: Pick<Checkpoint, "files">): number {
  return files.reduce((sum, { source, storedBytes }) => sum + (storedBytes ?? source.size), 0);
}
