import { parseAddress, shownAddress } from "../bytes/http/address.ts";
import { openHttpSource } from "../bytes/http/http-source.ts";
import { WeightmarkError } from "../errors.ts";
import { HUB_PREFIX } from "./hub/parse-location.ts";
import { isRepositoryId } from "./hub/repository-id.ts";
import type { FoundModel, ModelFolder } from "./model-folder.ts";
import type { Remote } from "./remote.ts";

/**
 * The address of a shard: below the directory of its index, with the query of the index, in which storages put the right
 * to read the whole directory. The name was checked, so that nothing but a name can come of it.
 */
function shardAddress(index: URL, name: string): URL {
  const address = new URL(name.split("/").map(encodeURIComponent).join("/"), index);
  address.search = index.search;
  return address;
}

/** What to do where a server refuses an address: tokens go to the Hub alone. */
function adviceFor(address: URL, { endpoint }: Remote): string {
  if (address.origin === new URL(endpoint).origin) {
    return "Set HF_TOKEN, or name a `token`, of somebody who may read it; over plain http no token is sent.";
  }
  if (address.search !== "") {
    return "What an address is signed with holds for a while: ask for a new one, or download the file and name it.";
  }
  return "No token is sent to this server: download the file and name it, or ask for an address that is signed.";
}

/** The file at `address`, and what lies below its directory. Web servers cannot be listed. */
function webFolder(address: URL, file: string, remote: Remote): ModelFolder {
  const addressOf = (name: string) => (name === file ? address : shardAddress(address, name));
  const shown = (name: string) => shownAddress(addressOf(name));
  return {
    location: shownAddress(address),
    remote: true,
    shown,
    list: async () => null,
    below: async () => [],
    async open(name) {
      const advice = adviceFor(addressOf(name), remote);
      const options = { location: shown(name), expected: null, pinned: false, advice };
      const source = await openHttpSource(remote.client, addressOf(name), options);
      return { source, absolutePath: null };
    },
  };
}

/** Refuses the page that a browser shows of a repository, and says what to write. */
function refusePage(address: URL, { endpoint }: Remote): void {
  const [, id] = /^\/([^/]+\/[^/]+)(?:\/(?:tree|blob)\/.*)?\/?$/.exec(address.pathname) ?? [];
  if (id === undefined || address.origin !== new URL(endpoint).origin || !isRepositoryId(id)) return;
  throw new WeightmarkError("HTTP_ADDRESS_INVALID", "this is the page of a repository", {
    file: shownAddress(address),
    detail: `Write ${HUB_PREFIX}${id}, with @revision if need be.`,
  });
}

/**
 * Finds the .safetensors file or shard index at an address, without a request. `http:` only where it was typed.
 *
 * @throws HTTP_ADDRESS_INVALID, OFFLINE
 */
export function findWebModel(location: string, remote: Remote): FoundModel {
  const address = parseAddress(location);
  const shown = shownAddress(address);
  if (remote.offline) {
    throw new WeightmarkError("OFFLINE", "an address, and nothing is to be fetched (offline)", {
      file: shown,
      detail: "Leave out `offline` (HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE), or download the file.",
    });
  }
  refusePage(address, remote);
  const file = address.pathname.slice(address.pathname.lastIndexOf("/") + 1);
  if (file === "") {
    throw new WeightmarkError("HTTP_ADDRESS_INVALID", "the address names no file", {
      file: shown,
      detail: "Name a .safetensors file or a shard index: web servers cannot be listed.",
    });
  }
  return { location: shown, revision: null, folder: webFolder(address, file, remote), file, close: async () => {} };
}
