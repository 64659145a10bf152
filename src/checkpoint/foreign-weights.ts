import { WeightmarkError } from "../errors.ts";
import { containerOf } from "../formats/container-of.ts";
import { CONTAINERS, type Container } from "../formats/foreign/containers.ts";
import { kindByName } from "../formats/foreign/file-name.ts";
import type { DirectoryListing } from "./directory-listing.ts";
import type { ModelFolder } from "./model-folder.ts";

/** Names that a message lists. */
const MAX_LISTED = 5;

/** What files are, by their names. */
type Named = ReadonlyMap<string, Container>;

/** What the names of weights in other containers say of them; nothing of those that say nothing. */
function namedIn({ foreign, companions }: Pick<DirectoryListing, "foreign" | "companions">): Named {
  const named = new Map<string, Container>();
  for (const name of foreign) {
    const kind = kindByName(name, companions);
    if (kind !== null) named.set(name, CONTAINERS[kind]);
  }
  return named;
}

/** Names of weights that are not read, each with what it is where that is known. */
export function describeForeign(
  listing: Pick<DirectoryListing, "foreign" | "companions">,
  named: Named = namedIn(listing),
): string {
  const { foreign } = listing;
  const shown = foreign.slice(0, MAX_LISTED).map((name) => {
    const what = named.get(name)?.what;
    return what === undefined ? JSON.stringify(name) : `${JSON.stringify(name)} (${what})`;
  });
  if (foreign.length > MAX_LISTED) shown.push(`${foreign.length - MAX_LISTED} more`);
  return shown.join(", ");
}

/** The refusal of a directory that holds weights, but none in safetensors. */
export function onlyForeign(path: string, listing: DirectoryListing, named: Named = namedIn(listing)): WeightmarkError {
  const message = `no .safetensors file here, only ${describeForeign(listing, named)}`;
  // One piece of advice: of files of several kinds, for the first that is known.
  const known = listing.foreign.map((name) => named.get(name)).find((container) => container !== undefined);
  return new WeightmarkError("UNSUPPORTED_CONTAINER", message, { file: path, detail: known?.advice });
}

/**
 * The same refusal after a look into the files that it lists: the content tells what a name such as "model.bin" does not.
 * For files at hand only: far away each look costs a request.
 */
export async function onlyForeignInside(folder: ModelFolder, listing: DirectoryListing): Promise<WeightmarkError> {
  const named = new Map(namedIn(listing));
  for (const name of listing.foreign.slice(0, MAX_LISTED)) {
    const container = await lookInto(folder, name, listing.companions);
    // Of what nobody can open, the name is all that is known.
    if (container === null) named.delete(name);
    else if (container !== undefined) named.set(name, container);
  }
  return onlyForeign(folder.location, listing, named);
}

/** What a file holds, null for nothing that is known, undefined where it cannot be read. */
async function lookInto(
  folder: ModelFolder,
  name: string,
  companions: ReadonlySet<string>,
): Promise<Container | null | undefined> {
  try {
    const { source } = await folder.open(name);
    return await containerOf(source, name, companions).finally(() => source.close());
  } catch (error) {
    // Whatever is wrong with it, the directory is refused anyway, for holding no safetensors.
    if (error instanceof WeightmarkError) return undefined;
    throw error;
  }
}
