import { shownAddress } from "../bytes/http/address.ts";
import { classifyNames } from "../checkpoint/directory.ts";
import { weightContent } from "../checkpoint/hub/content.ts";
import { listOrganisation } from "../checkpoint/hub/list-organisation.ts";
import { type HubLocation, isCommit, parseHubLocation, pinnedLocation } from "../checkpoint/hub/parse-location.ts";
import type { HubListing, HubRepository } from "../checkpoint/hub/repository.ts";
import { resolveRepository } from "../checkpoint/hub/resolve-repository.ts";
import { listFolder, weightFiles } from "../checkpoint/hub/weight-files.ts";
import { chooseLayout } from "../checkpoint/layout.ts";
import { shownLocation } from "../checkpoint/location.ts";
import type { Remote } from "../checkpoint/remote.ts";
import { WeightmarkError } from "../errors.ts";
import { failedItem } from "./failure.ts";
import type { EnumerateOptions, Found } from "./inputs.ts";
import { plainTarget } from "./local-targets.ts";
import type { ScanTarget } from "./target.ts";

/** A repository whose target takes requests to find: asked for a few at a time. */
export type Pending = () => Promise<Found>;

type Access = Pick<EnumerateOptions, "stored"> & { readonly remote: Remote };

/** `hf:org/name[@revision][/path]`, at the commit it is at now. */
export async function hubTarget(location: string, access: Access): Promise<Found> {
  try {
    const named = parseHubLocation(location);
    // Without the network the cache decides, when the model is opened.
    if (access.remote.offline) return plainTarget(location, nameOf(named));
    return await resolved(named, access);
  } catch (error) {
    return failedItem(plainTarget(location, location), error);
  }
}

/**
 * All models of an organisation, each still to be looked into. Those whose listing shows no weights cost nothing more. An
 * organisation that cannot be listed is a failed item, and what was listed before stays.
 */
export async function* organisationTargets(name: string, access: Access): AsyncGenerator<Found | Pending> {
  try {
    if (access.remote.offline) {
      throw new WeightmarkError("OFFLINE", "an organisation cannot be listed without the network", {
        detail: "Leave out --offline, or name the repositories.",
      });
    }
    for await (const listing of listOrganisation(name, access.remote)) {
      yield (await emptyListing(listing)) ?? (() => listedTarget(listing, access));
    }
  } catch (error) {
    yield failedItem(plainTarget(`org:${name}`, name), error);
  }
}

async function listedTarget({ id, commit }: HubListing, access: Access): Promise<Found> {
  const named: HubLocation = { id, revision: commit, path: "" };
  return resolved(named, access).catch((error: unknown) => failedItem(pinnedTarget(named, commit), error));
}

/** The result of a repository whose listing shows that nothing can be read there, else null. */
async function emptyListing({ id, commit, paths }: HubListing): Promise<Found | null> {
  if (paths === null) return null;
  const location = pinnedLocation(id, commit);
  try {
    chooseLayout(
      location,
      await classifyNames(
        paths.filter((path) => !path.includes("/")),
        location,
      ),
    );
    return null;
  } catch (error) {
    return failedItem(pinnedTarget({ id, revision: commit, path: "" }, commit), error);
  }
}

async function resolved(named: HubLocation, { remote, stored }: Access): Promise<Found> {
  const { id, revision, path } = named;
  if (revision !== null && isCommit(revision)) {
    const target = pinnedTarget(named, revision);
    const item = (await stored?.(target.id)) ?? null;
    if (item !== null) return { ...target, content: item.content };
  }
  const repository = await resolveRepository(id, revision, remote);
  const target = pinnedTarget({ ...named, id: repository.id }, repository.commit);
  if (path.endsWith(".safetensors") || path.endsWith(".json")) {
    const files = repository.files.filter((file) => file.path === path);
    // Of an index alone the weights are not known.
    if (path.endsWith(".json")) return { ...target, repository };
    return { ...target, content: weightContent(files), bytes: files[0]?.size ?? null, repository };
  }
  try {
    const files = await weightFiles(repository, path);
    return {
      ...target,
      content: files === null ? null : weightContent(files),
      bytes: files === null ? null : files.reduce((sum, { size }) => sum + size, 0),
      repository: await slim(repository, path),
    };
  } catch (error) {
    return failedItem(target, error);
  }
}

/** A repository without what says nothing of its weights: targets travel to threads and databases. */
async function slim(repository: HubRepository, folder: string): Promise<HubRepository> {
  const { safetensors, indexes, foreign } = await listFolder(repository, folder);
  const prefix = folder === "" ? "" : `${folder}/`;
  const kept = new Set([...safetensors, ...indexes, ...foreign].map((name) => prefix + name));
  return { ...repository, files: repository.files.filter(({ path }) => kept.has(path)) };
}

function pinnedTarget(named: HubLocation, commit: string): ScanTarget {
  const id = pinnedLocation(named.id, commit, named.path);
  return { ...plainTarget(id, nameOf(named)), revision: commit };
}

function nameOf({ id, path }: HubLocation): string {
  return path === "" ? id : `${id}/${path}`;
}

/** A file on some web server. A query or a password in its address would be kept with the results: refused. */
export function webTarget(location: string): Found {
  const shown = shownLocation(location);
  const name = URL.canParse(shown) ? shownAddress(new URL(shown)).replace(/^https?:\/\//i, "") : shown;
  const target = plainTarget(shown, name);
  if (shown === location) return target;
  const refusal = new WeightmarkError("HTTP_ADDRESS_INVALID", "an address with a query or a password is not scanned", {
    detail: "It may hold a secret that results would keep: download the file, or identify it by itself.",
  });
  // An id of its own: the same address without a query is another model.
  return failedItem({ ...target, id: `${shown} (refused)` }, refusal);
}
