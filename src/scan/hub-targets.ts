import { listOrganisation } from "../checkpoint/hub/list-organisation.ts";
import { type HubLocation, isCommit, parseHubLocation } from "../checkpoint/hub/parse-location.ts";
import type { HubListing } from "../checkpoint/hub/repository.ts";
import { resolveRepository } from "../checkpoint/hub/resolve-repository.ts";
import type { Remote } from "../checkpoint/remote.ts";
import { WeightmarkError } from "../errors.ts";
import { failedItem } from "./failure.ts";
import { pinnedTarget, repositoryTargets, storedTargets, unreadable } from "./hub-repository.ts";
import { snapshotTargets } from "./hub-snapshot.ts";
import type { EnumerateOptions, Found } from "./inputs.ts";
import { plainTarget } from "./target.ts";

/** A repository whose targets take requests to find: asked for a few at a time. */
export type Pending = () => Promise<readonly Found[]>;

type Access = Pick<EnumerateOptions, "stored" | "allowLinks"> & { readonly remote: Remote };

/** The models of `hf:org/name[@revision][/path]`, at the commit it is at now. */
export async function hubTargets(location: string, access: Access): Promise<readonly Found[]> {
  try {
    const named = parseHubLocation(location);
    if (access.remote.offline) return await snapshotTargets(named, location, access.remote.hubCache, access.allowLinks);
    return await resolved(named, access, null);
  } catch (error) {
    return [failedItem(plainTarget(location, location), error)];
  }
}

/**
 * All models of an organisation, each repository still to be looked into. Those whose listing shows no weights cost nothing
 * more. An organisation that cannot be listed is a failed item, and what was listed before stays.
 */
export async function* organisationTargets(name: string, access: Access): AsyncGenerator<Found | Pending> {
  try {
    if (access.remote.offline) {
      throw new WeightmarkError("OFFLINE", "an organisation cannot be listed without the network", {
        detail: "Leave out `offline`, or name the repositories.",
      });
    }
    for await (const listing of listOrganisation(name, access.remote)) {
      const without = await withoutWeights(listing);
      if (without === null) yield () => listedTargets(listing, access);
      else yield* without;
    }
  } catch (error) {
    yield failedItem(plainTarget(`org:${name}`, name), error);
  }
}

async function listedTargets({ id, commit, paths }: HubListing, access: Access): Promise<readonly Found[]> {
  const named: HubLocation = { id, revision: commit, path: "" };
  return resolved(named, access, paths).catch((error: unknown) => [failedItem(pinnedTarget(named, commit), error)]);
}

async function withoutWeights({ id, commit, paths }: HubListing): Promise<readonly Found[] | null> {
  return paths === null ? null : unreadable({ id, revision: commit, path: "" }, commit, paths);
}

async function resolved(
  named: HubLocation,
  { remote, stored }: Access,
  paths: readonly string[] | null,
): Promise<readonly Found[]> {
  const { id, revision } = named;
  if (stored !== undefined && revision !== null && isCommit(revision)) {
    const known = await storedTargets(named, revision, paths, stored);
    if (known !== null) return known;
  }
  const repository = await resolveRepository(id, revision, remote);
  return repositoryTargets(repository, named, remote).catch((error: unknown) => {
    return [failedItem(pinnedTarget({ ...named, id: repository.id }, repository.commit), error)];
  });
}
