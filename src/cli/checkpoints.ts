import type { Checkpoint } from "../index.ts";
import { openModel, type RemoteOptions } from "./remote.ts";

/** Opens a model for some work and closes it whatever happens; the work gets none where none is named. */
export async function withCheckpoint<T>(
  location: string | undefined,
  options: RemoteOptions,
  work: (checkpoint: Checkpoint | undefined) => Promise<T>,
): Promise<T> {
  if (location === undefined) return work(undefined);
  const checkpoint = await openModel(location, options, { readAhead: true });
  try {
    return await work(checkpoint);
  } finally {
    await checkpoint.close();
  }
}
