import { WeightmarkError } from "../errors.ts";
import { kindByName } from "../formats/foreign/file-name.ts";
import { shownNames } from "../formats/shown-names.ts";
import type { ModelFolder } from "./model-folder.ts";

/** What programs call files that they have not yet fetched whole, or put beside such a file: aria2, browsers, torrents. */
const ENDINGS = /\.(?:aria2|incomplete|part|partial|crdownload|download|opdownload|fdmdownload|!qb|!ut|bc!)$/i;
/** Those that lie beside a file that has its final name already. */
const BESIDE = [".aria2", ".part", ".incomplete", ".crdownload"];
/** Shards that are looked at. */
const MAX_LOOKED_AT = 256;
const NOTE = "files of a download that is not complete lie beside it: ";

/** Whether a name is that of a download that is not complete. */
export function isUnfinishedName(name: string): boolean {
  return ENDINGS.test(name);
}

/** Whether a name is that of a pointer of DVC to weights, which `dvc pull` puts beside it. */
export function isPointerName(name: string): boolean {
  return kindByName(name) === "dvc";
}

/** A note on downloads that are not complete, or none. */
export function unfinishedNote(names: readonly string[]): string[] {
  return names.length === 0 ? [] : [NOTE + shownNames(names)];
}

/** Whether a note of a model is the one on downloads. */
export function isUnfinishedNote(note: string): boolean {
  return note.startsWith(NOTE);
}

/** What downloads have left beside files that were named, whose folder is not listed for that: it may be as large as it likes. */
export async function unfinishedBeside(folder: ModelFolder, files: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of folder.remote ? [] : files.slice(0, MAX_LOOKED_AT)) {
    for (const ending of BESIDE) if (await isThere(folder, file + ending)) found.push(file + ending);
  }
  return found;
}

async function isThere(folder: ModelFolder, name: string): Promise<boolean> {
  try {
    const { source } = await folder.open(name);
    await source.close();
    return true;
  } catch (error) {
    if (error instanceof WeightmarkError) return false;
    throw error;
  }
}
