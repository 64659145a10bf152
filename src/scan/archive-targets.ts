import { stat } from "node:fs/promises";
import { insideLocation } from "../bytes/inside-location.ts";
import { fsPath } from "../bytes/path-text.ts";
import { archiveIn } from "../checkpoint/archive/enter-archive.ts";
import { type InsideModel, insideModels } from "../checkpoint/archive/inside-models.ts";
import { findLocalModel } from "../checkpoint/local-folder.ts";
import { withPieces } from "../checkpoint/split/joined-folder.ts";
import { WeightmarkError } from "../errors.ts";
import { digestOf } from "../registry/digest.ts";
import { plainTarget, type ScanTarget } from "./target.ts";

/** What may hold models by its name, and is listed without unpacking it. */
const LISTED = /\.(?:zip|whl|egg|tar)$/i;
/** What would have to be unpacked as a whole to be listed. */
const COMPRESSED = /\.(?:tar\.gz|tgz)$/i;

/** How a walk takes a file that may be an archive, by its name. */
export function archiveNamed(name: string): "listed" | "compressed" | null {
  if (LISTED.test(name)) return "listed";
  return COMPRESSED.test(name) ? "compressed" : null;
}

/** How a walk says that it does not unpack an archive. */
export function notUnpacked(path: string): WeightmarkError {
  return new WeightmarkError("COMPRESSED_FILE", "a walk does not unpack what is compressed as a whole", {
    file: path,
    detail: "Name it as a root of its own if models may lie in it.",
  });
}

/**
 * The models in an archive on this machine, or null where a file is none.
 *
 * @param name what the archive is called
 * @throws what opening and listing an archive throws
 */
export async function archiveTargets(
  path: string,
  name: string,
  allowLinks: readonly string[],
): Promise<ScanTarget[] | null> {
  const archive = await archiveIn(await withPieces(await findLocalModel(path, allowLinks)), false, undefined);
  if (archive === null) return null;
  try {
    const models = await insideModels(archive);
    const state = await stat(fsPath(path), { bigint: true }).catch(() => null);
    const line = state === null ? null : `${state.dev} ${state.ino} ${state.size} ${state.mtimeNs}\n`;
    return models.map((model) => ({
      ...plainTarget(insideLocation(path, model.name), insideLocation(name, model.name)),
      identity: line === null ? null : digestOf(`${line}${model.name}\n`),
      bytes: bytesOf(model, (member) => archive.members.get(member)?.size ?? null),
    }));
  } finally {
    await archive.close();
  }
}

/** Of an index, and of a model of ONNX, the files are known when it is opened. */
function bytesOf({ files, name }: InsideModel, sizeOf: (member: string) => number | null): number | null {
  if (/\.(?:json|onnx)$/i.test(name)) return null;
  let bytes = 0;
  for (const file of files) {
    const size = sizeOf(file);
    if (size === null) return null;
    bytes += size;
  }
  return bytes;
}
