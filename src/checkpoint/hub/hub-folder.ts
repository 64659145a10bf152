import type { ByteSource } from "../../bytes/byte-source.ts";
import { openHttpSource } from "../../bytes/http/http-source.ts";
import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import type { Root } from "../inside-root.ts";
import type { ModelFolder } from "../model-folder.ts";
import type { Remote } from "../remote.ts";
import { openCachedFile } from "./hub-cache.ts";
import { pinnedLocation } from "./parse-location.ts";
import type { HubFile, HubRepository } from "./repository.ts";
import { foldersWithWeights, listFolder } from "./weight-files.ts";

const NOT_SHOWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["HTTP_UNAUTHORIZED", "HTTP_FORBIDDEN"]);

/** Address of a file at a commit. Names were checked when they were listed; encoded, they are names and nothing else. */
function resolveAddress(endpoint: string, { id, commit }: HubRepository, path: string): URL {
  return new URL(`${endpoint}/${id}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`);
}

async function openOnHub(
  repository: HubRepository,
  file: HubFile,
  remote: Remote,
  location: string,
): Promise<ByteSource> {
  const { size, sha256 } = file;
  const address = resolveAddress(remote.endpoint, repository, file.path);
  return openHttpSource(remote.client, address, { location, expected: { size, sha256 }, pinned: true }).catch(
    (error) => {
      if (!(error instanceof WeightmarkError) || !NOT_SHOWN.has(error.code)) throw error;
      throw new WeightmarkError("HUB_GATED", "the repository is listed, but its files are not given out", {
        file: location,
        detail: "Ask for access on its page, then set HF_TOKEN.",
        cause: error,
      });
    },
  );
}

/**
 * A folder of a repository at a commit. Files that the Hub's cache has are read from there.
 *
 * @param path below the root of the repository, "" for the root
 * @param snapshot of this commit in the cache, or null
 */
export function hubFolder(repository: HubRepository, path: string, remote: Remote, snapshot: Root | null): ModelFolder {
  const prefix = path === "" ? "" : `${path}/`;
  const files = new Map(repository.files.map((file) => [file.path, file]));
  const shown = (name: string) => pinnedLocation(repository.id, repository.commit, prefix + name);
  return {
    location: pinnedLocation(repository.id, repository.commit, path),
    remote: true,
    shown,
    list: () => listFolder(repository, path),
    below: async () => foldersWithWeights(repository.files, path).map(shown),
    async open(name) {
      const file = files.get(prefix + name);
      if (file === undefined) {
        throw new WeightmarkError("FILE_NOT_FOUND", "the repository has no such file", { file: shown(name) });
      }
      const cached = snapshot === null ? null : await openCachedFile(snapshot, file, shown(name));
      return cached ?? { source: await openOnHub(repository, file, remote, shown(name)), absolutePath: null };
    },
  };
}
