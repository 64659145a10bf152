import type { ByteBudget } from "../../bytes/byte-budget.ts";
import { insideLocation } from "../../bytes/inside-location.ts";
import { WeightmarkError } from "../../errors.ts";
import { isGgufName } from "../../formats/gguf/file-name.ts";
import { isWeightName } from "../../formats/safetensors/file-name.ts";
import { shownNames } from "../../formats/shown-names.ts";
import { isArrayName } from "../array-names.ts";
import { isShardIndex } from "../index-name.ts";
import type { FoundModel } from "../model-folder.ts";
import { joinedFolder } from "../split/joined-folder.ts";
import { type Archive, openArchive } from "./archive.ts";
import { archiveFolder } from "./archive-folder.ts";
import { archiveKindOf } from "./archive-kind.ts";
import { type InsideModel, insideModels } from "./inside-models.ts";

/** Characters of a member's name that messages show. */
const LONGEST = 160;
/** Archives by their names: what is far away is looked into only where its name, or the one who named it, says so. */
const ARCHIVE = /\.(?:zip|whl|egg|tar|tgz|gz|nemo)$/i;

/**
 * The archive that a file is, or null where it is none, or is itself a file of weights.
 *
 * @param isMeant whether the one who named it said that it is an archive
 * @throws what `openArchive` throws; nothing stays open then
 */
export async function archiveIn(
  { folder, file }: FoundModel,
  isMeant: boolean,
  budget: ByteBudget | undefined,
): Promise<Archive | null> {
  if (file === null || isShardIndex(file)) return null;
  const isOther = isWeightName(file) || isGgufName(file) || isArrayName(file);
  if (!isMeant && (isOther || (folder.remote && !ARCHIVE.test(file)))) return null;
  const { source } = await folder.open(file);
  try {
    const kind = await archiveKindOf(source, file);
    if (kind !== null) {
      return await openArchive(source, kind, file, { reopen: async () => (await folder.open(file)).source, budget });
    }
  } catch (error) {
    await source.close();
    throw error;
  }
  await source.close();
  return null;
}

/**
 * The model inside of what was found, where that is an archive; else what was found. Where several lie in it one has to be
 * named, unless all others lie in folders below its own, as with directories.
 *
 * @param inside a file or folder in the archive, "" for whatever is there; null where nobody said that it is an archive
 * @throws NO_WEIGHTS, AMBIGUOUS_CHECKPOINT, FILE_NOT_FOUND, UNSUPPORTED_CONTAINER, what `openArchive` throws; what it opened
 *   is closed then
 */
export async function enterArchive(
  found: FoundModel,
  inside: string | null,
  budget: ByteBudget | undefined,
): Promise<FoundModel> {
  const archive = await archiveIn(found, inside !== null, budget);
  if (archive === null) {
    if (inside === null) return found;
    throw new WeightmarkError(
      "UNSUPPORTED_CONTAINER",
      "no archive that could be looked into, and something inside is named",
      {
        file: found.location,
        detail: "Name a zip, wheel, tar or tar.gz; of anything else name the file or the directory itself.",
      },
    );
  }
  try {
    const { folder, file, name, notes } = await chosen(archive, inside ?? "");
    return {
      location: insideLocation(found.location, name),
      revision: found.revision,
      folder: joinedFolder(archiveFolder(archive, folder)),
      file,
      notes,
      isInside: true,
      async close() {
        await archive.close();
        await found.close();
      },
    };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

type Chosen = Pick<InsideModel, "folder" | "file" | "name"> & { readonly notes: readonly string[] };

async function chosen(archive: Archive, inside: string): Promise<Chosen> {
  const { location: file, members, folders } = archive;
  const wanted = inside.replace(/^(?:\.?\/)+/, "");
  if (wanted === "") return onlyModel(archive);
  const models = await insideModels(archive);
  // A folder of a model of its own, or of several: which of them is read is decided as of directories.
  if (models.some(({ folder }) => folder === wanted)) return { folder: wanted, file: null, name: wanted, notes: [] };
  const named = models.find(({ name, files }) => name === wanted || files.includes(wanted));
  if (named !== undefined && (named.file === null || named.name === wanted)) return { ...named, notes: [] };
  const end = wanted.lastIndexOf("/");
  if (members.has(wanted)) {
    return { folder: wanted.slice(0, Math.max(0, end)), file: wanted.slice(end + 1), name: wanted, notes: [] };
  }
  // A folder that holds nothing but folders.
  const below = models.filter(({ name }) => name.startsWith(`${wanted}/`));
  if (below.length > 0) return only(archive, below);
  if (folders.has(wanted)) return { folder: wanted, file: null, name: wanted, notes: [] };
  throw new WeightmarkError("FILE_NOT_FOUND", `nothing in the archive is called ${shownNames([wanted], LONGEST)}`, {
    file,
    detail: models.length === 0 ? "No weights lie in it." : `Models in it: ${listed(models)}.`,
  });
}

async function onlyModel(archive: Archive): Promise<Chosen> {
  const models = await insideModels(archive);
  if (models.length > 0) return only(archive, models);
  throw new WeightmarkError("NO_WEIGHTS", "no weights in this archive", {
    file: archive.location,
    detail: "Name an archive that a model lies in. Archives inside of archives are not opened: unpack those first.",
  });
}

function only({ location: file }: Archive, models: readonly InsideModel[]): Chosen {
  const [first, ...others] = models;
  const isBelow = ({ folder }: InsideModel) => first!.folder === "" || folder.startsWith(`${first!.folder}/`);
  if (first!.file !== null || !others.every((model) => model.folder !== first!.folder && isBelow(model))) {
    throw new WeightmarkError("AMBIGUOUS_CHECKPOINT", `several models in this archive: ${listed(models)}`, {
      file,
      detail: `Name one of them: ${shownNames([insideLocation(file, first!.name)], LONGEST)} for the first.`,
    });
  }
  const notes = [`read from inside the archive: ${shownNames([first!.name], LONGEST)}`];
  if (others.length > 0) notes.push(`other models in folders below it were not read: ${listed(others)}`);
  return { ...first!, notes };
}

function listed(models: readonly InsideModel[]): string {
  return shownNames(
    models.map(({ name }) => name),
    LONGEST,
  );
}
