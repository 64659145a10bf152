import { WeightmarkError } from "../../errors.ts";
import type { Remote } from "../remote.ts";
import { hubCall, hubFetch, invalidResponse } from "./hub-fetch.ts";
import { HUB_PREFIX, isCommit } from "./parse-location.ts";
import type { HubListing } from "./repository.ts";
import { isIdPart, isRepositoryId } from "./repository-id.ts";

function listingOf(entry: object, owner: string, location: string): HubListing {
  const { name, sha, gated, filePaths } = entry as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || !isRepositoryId(name)) throw invalidResponse(location, "a model has no name");
  if (name.split("/")[0]!.toLowerCase() !== owner.toLowerCase()) {
    throw invalidResponse(location, "it names models of somebody else");
  }
  if (typeof sha !== "string" || !isCommit(sha)) throw invalidResponse(location, "a model has no commit");
  const paths = Array.isArray(filePaths) ? filePaths.filter((path) => typeof path === "string") : [];
  return {
    id: name,
    commit: sha,
    gated: typeof gated === "string" ? gated : false,
    // The library gives no paths where the Hub gives none; a repository always has .gitattributes.
    paths: paths.length === 0 ? null : paths,
  };
}

/**
 * The models of a user or organisation in the order of the Hub, 500 a request.
 *
 * @throws HUB_NAME_INVALID, HUB_REPOSITORY_NOT_FOUND, HUB_RESPONSE_INVALID, HTTP_*
 */
export async function* listOrganisation(owner: string, remote: Remote): AsyncGenerator<HubListing> {
  const location = `${HUB_PREFIX}${owner}`;
  if (!isIdPart(owner)) {
    throw new WeightmarkError("HUB_NAME_INVALID", "not a name that the Hub gives out", { file: location });
  }
  const { listModels } = await import("@huggingface/hub");
  const models = listModels({
    search: { owner },
    additionalFields: ["sha", "filePaths"],
    hubUrl: remote.endpoint,
    fetch: hubFetch(remote, location),
  });
  while (true) {
    const { done, value } = await hubCall(location, () => models.next());
    if (done) return;
    yield listingOf(value, owner, location);
  }
}
