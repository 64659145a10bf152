import { join, relative, sep } from "node:path";
import { cachedCommit, cachedSnapshot } from "../checkpoint/hub/hub-cache.ts";
import type { HubLocation } from "../checkpoint/hub/parse-location.ts";
import { pinnedTarget } from "./hub-repository.ts";
import { type Found, isItem } from "./inputs.ts";
import { localTargets } from "./local-targets.ts";
import { plainTarget } from "./target.ts";

/** The models that the Hub's cache has of a repository, by the names that they have on the Hub. */
export async function snapshotTargets(
  named: HubLocation,
  location: string,
  cache: string | null,
  allowLinks?: readonly string[],
): Promise<readonly Found[]> {
  const { id, revision, path } = named;
  // What the cache lacks is told when it is opened.
  const unknown = [plainTarget(location, path === "" ? id : `${id}/${path}`)];
  const commit = cache === null ? null : await cachedCommit(cache, id, revision);
  const snapshot = cache === null || commit === null ? null : await cachedSnapshot(cache, id, commit, allowLinks);
  if (commit === null || snapshot === null) return unknown;
  const found: Found[] = [];
  for await (const one of localTargets(join(snapshot.path, ...path.split("/")), { hubCache: null, allowLinks })) {
    const below = relative(snapshot.path, one.location).replaceAll(sep, "/");
    const target = pinnedTarget({ id, path: below }, commit);
    const { notes } = isItem(one) ? { notes: undefined } : one;
    if (isItem(one) && one.failure?.code !== "NO_WEIGHTS") {
      found.push({ ...one, id: target.id, name: target.name, location: target.location, revision: commit });
    } else if (!isItem(one)) found.push({ ...target, ...(notes === undefined ? {} : { notes }) });
  }
  return found.length === 0 ? unknown : found;
}
