import { WeightmarkError } from "../../errors.ts";
import { isGgufName } from "../../formats/gguf/file-name.ts";
import { isWeightName } from "../../formats/safetensors/file-name.ts";
import { isShardIndex } from "../index-name.ts";
import { MAX_DIRECTORY_ENTRIES } from "../limits.ts";
import type { Remote } from "../remote.ts";
import { pathProblem } from "../shard-name.ts";
import { hubCall, hubFetch, invalidResponse } from "./hub-fetch.ts";
import { pinnedLocation } from "./parse-location.ts";
import type { HubFile } from "./repository.ts";

const HEX = /^[0-9a-f]+$/;

/** Parts that no git tree has: anyone who lists them is no Hub, or wants us somewhere else (CWE-22). */
function isImpossible(path: string): boolean {
  return path.split("/").some((part) => part === "" || part === "." || part === "..");
}

function fileOf(entry: unknown, location: string): HubFile {
  const { path, size, oid, lfs } = entry as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || isImpossible(path)) throw invalidResponse(location, "a path leads elsewhere");
  const isLarge = typeof lfs === "object" && lfs !== null;
  const large = isLarge ? (lfs as Readonly<Record<string, unknown>>) : null;
  const bytes = large === null ? size : large.size;
  if (!Number.isSafeInteger(bytes) || (bytes as number) < 0 || (large !== null && large.size !== size)) {
    throw invalidResponse(location, "a file has an impossible size, or two");
  }
  if (typeof oid !== "string" || oid.length > 64 || !HEX.test(oid))
    throw invalidResponse(location, "an oid is no hash");
  const sha256 = large === null ? null : large.oid;
  if (sha256 !== null && (typeof sha256 !== "string" || sha256.length !== 64 || !HEX.test(sha256))) {
    throw invalidResponse(location, "a SHA-256 is none");
  }
  return { path, size: bytes as number, oid, sha256 };
}

/**
 * The files of a repository at a commit, in the order of the Hub: one request for each thousand. Names that cannot be
 * told on a terminal or decode to others are left out, unless they are weights: those are refused, not overlooked.
 *
 * @throws HUB_REPOSITORY_NOT_FOUND, HUB_GATED, HUB_RESPONSE_INVALID, DIRECTORY_TOO_LARGE, SHARD_PATH_REFUSED, HTTP_*
 */
export async function listTree(id: string, commit: string, remote: Remote): Promise<readonly HubFile[]> {
  const location = pinnedLocation(id, commit);
  const { listFiles } = await import("@huggingface/hub");
  const files = new Map<string, HubFile>();
  let entries = 0;
  await hubCall(location, async () => {
    const { endpoint: hubUrl } = remote;
    const repo = { type: "model", name: id } as const;
    const fetch = hubFetch(remote, location);
    for await (const entry of listFiles({ repo, revision: commit, recursive: true, hubUrl, fetch })) {
      if (++entries > MAX_DIRECTORY_ENTRIES) {
        throw new WeightmarkError("DIRECTORY_TOO_LARGE", `more than ${MAX_DIRECTORY_ENTRIES} files and folders`, {
          file: location,
          detail: "Download the files of the model, and name the directory they lie in.",
        });
      }
      if (entry.type !== "file") continue;
      const file = fileOf(entry, location);
      if (files.has(file.path)) throw invalidResponse(location, "a path stands twice");
      const problem = pathProblem(file.path);
      if (problem === null) files.set(file.path, file);
      else if (isWeightName(file.path) || isShardIndex(file.path) || isGgufName(file.path)) {
        throw new WeightmarkError("SHARD_PATH_REFUSED", `the name of a weight file ${problem}`, { file: location });
      }
    }
  });
  return [...files.values()];
}
