import type { Remote } from "../remote.ts";
import { hubCall, hubFetch, invalidResponse } from "./hub-fetch.ts";
import { listTree } from "./list-tree.ts";
import { HUB_PREFIX, isCommit } from "./parse-location.ts";
import type { HubRepository } from "./repository.ts";
import { isRepositoryId } from "./repository-id.ts";

interface Pin {
  readonly id: string;
  readonly commit: string;
}

/** The commit that a branch, tag or the default branch is at, and the id as the Hub spells it. One request. */
async function resolveCommit(id: string, revision: string | null, remote: Remote): Promise<Pin> {
  const location = `${HUB_PREFIX}${id}${revision === null ? "" : `@${revision}`}`;
  const { modelInfo } = await import("@huggingface/hub");
  const info = await hubCall(location, () =>
    modelInfo({
      name: id,
      ...(revision === null ? {} : { revision }),
      additionalFields: ["sha"],
      hubUrl: remote.endpoint,
      fetch: hubFetch(remote, location),
    }),
  );
  const { name, sha }: { readonly name: unknown; readonly sha: unknown } = info;
  if (typeof sha !== "string" || !isCommit(sha)) throw invalidResponse(location, "the commit is none");
  if (typeof name !== "string" || !isRepositoryId(name)) throw invalidResponse(location, "the repository has no name");
  return { id: name, commit: sha };
}

/**
 * A repository at one commit, with what lies in it: two requests to the API, one when the commit is known.
 *
 * @param revision branch, tag, reference or commit (40 hex digits); null for the default branch
 * @throws HUB_REPOSITORY_NOT_FOUND, HUB_GATED, HUB_RESPONSE_INVALID, DIRECTORY_TOO_LARGE, SHARD_PATH_REFUSED, HTTP_*
 */
export async function resolveRepository(id: string, revision: string | null, remote: Remote): Promise<HubRepository> {
  const known = revision !== null && isCommit(revision);
  const pin = known ? { id, commit: revision } : await resolveCommit(id, revision, remote);
  return { ...pin, files: await listTree(pin.id, pin.commit, remote) };
}
