import { WeightmarkError } from "../errors.ts";
import { CONTAINERS } from "../formats/foreign/containers.ts";
import { kindByName } from "../formats/foreign/file-name.ts";
import { isWeightName } from "../formats/safetensors/file-name.ts";
import { isArrayName, isOnnxName } from "./array-names.ts";
import { isForeignIndex } from "./index-name.ts";

const MAX_SHOWN = 120;

/** What is wrong with a name as a path below the directory that it was found for, or null. */
export function pathProblem(name: string): string | null {
  if (name === "") return "is empty";
  // Format characters too: a right-to-left override makes another name of it on a terminal.
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/u.test(name)) return "holds control characters";
  if (name.includes("\\")) return "holds a backslash";
  if (name.includes(":")) return "is a URL or names a drive or stream";
  if (name.startsWith("/")) return "is absolute";
  // Anyone who decodes it later, once or twice, would see other separators than we did.
  if (/%[0-9a-f]{2}/i.test(name)) return "is percent-encoded";
  if (name.split("/").some((part) => part === "" || part === "." || part === "..")) return "leaves its directory";
  return null;
}

/**
 * Checks a file name out of a shard index; the index is as hostile as the weights (CWE-22).
 *
 * @throws SHARD_PATH_REFUSED, or UNSUPPORTED_CONTAINER when the shard is of another container than its index
 */
export function checkShardName(name: string, indexFile: string): void {
  const problem = pathProblem(name);
  const shown = JSON.stringify(name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}...` : name);
  if (problem !== null) {
    throw new WeightmarkError("SHARD_PATH_REFUSED", `the shard name ${shown} ${problem}`, { file: indexFile });
  }
  const isOfItsKind =
    isForeignIndex(indexFile.slice(indexFile.lastIndexOf("/") + 1)) && isArrayName(name) && !isOnnxName(name);
  if (!isWeightName(name) && !isOfItsKind) {
    const kind = kindByName(name.slice(name.lastIndexOf("/") + 1));
    const what = kind === null ? "" : ` but by its name ${CONTAINERS[kind].what}`;
    throw new WeightmarkError("UNSUPPORTED_CONTAINER", `the shard ${shown} is no .safetensors file${what}`, {
      file: indexFile,
      detail: kind === null ? undefined : CONTAINERS[kind].advice,
    });
  }
}
