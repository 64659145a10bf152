import { basename, dirname, join } from "node:path";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { openFileSource } from "../../bytes/file-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { type Root, resolveInside, resolveRoot } from "../inside-root.ts";
import type { OpenedFile } from "../model-folder.ts";
import { isCommit } from "./parse-location.ts";
import type { HubFile } from "./repository.ts";

/** What the Hub's own clients call the reference that they look for when none is named. */
const DEFAULT_REVISION = "main";
/** A reference holds 40 digits, and at most a line break. */
const MAX_REF_BYTES = 64;

/**
 * Where the Hub's clients keep a repository, or null for an id that could be another's: "a/b--c" and "a--b/c" share one
 * directory.
 *
 * @see https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
function repositoryDirectory(cache: string, id: string): string | null {
  return id.includes("--") ? null : join(cache, `models--${id.replace("/", "--")}`);
}

async function absentAsNull<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((error) => {
    // A cache is a help: whatever is wrong with it, the Hub has the file.
    if (error instanceof WeightmarkError) return null;
    throw error;
  });
}

/** The commit that the cache last saw a revision at, or null. */
export async function cachedCommit(cache: string, id: string, revision: string | null): Promise<string | null> {
  if (revision !== null && isCommit(revision)) return revision;
  const directory = repositoryDirectory(cache, id);
  if (directory === null) return null;
  const path = join(directory, "refs", ...(revision ?? DEFAULT_REVISION).split("/"));
  const source = await absentAsNull(openFileSource(path));
  if (source === null) return null;
  try {
    if (source.size > MAX_REF_BYTES) return null;
    const text = Buffer.from(await source.read(0, source.size))
      .toString("latin1")
      .trim();
    return isCommit(text) ? text : null;
  } finally {
    await source.close();
  }
}

/** The snapshot of a commit, or null when the cache has none; its links may lead into `allowLinks` as well. */
export async function cachedSnapshot(
  cache: string,
  id: string,
  commit: string,
  allowLinks: readonly string[] = [],
): Promise<Root | null> {
  const directory = repositoryDirectory(cache, id);
  return directory === null ? null : absentAsNull(resolveRoot(join(directory, "snapshots", commit), allowLinks));
}

/**
 * A file of a snapshot, if it is the one that the Hub lists: of its size, and called by its hash where it is a link to a
 * blob. It is not hashed: who writes into this cache could as well change the program.
 *
 * @param shown what messages call it
 */
export async function openCachedFile(snapshot: Root, file: HubFile, shown: string): Promise<OpenedFile | null> {
  const absolutePath = await absentAsNull(resolveInside(snapshot, file.path));
  if (absolutePath === null) return null;
  const isBlob = dirname(absolutePath) === snapshot.blobs;
  if (isBlob && basename(absolutePath) !== (file.sha256 ?? file.oid)) return null;
  const source: ByteSource | null = await absentAsNull(openFileSource(absolutePath, shown));
  if (source === null || source.size === file.size) return source && { source, absolutePath };
  await source.close();
  return null;
}
