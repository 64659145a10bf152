import { join } from "node:path";
import type { HashTask } from "./hash-files.ts";
import type { ListedFile, Listing } from "./listing.ts";
import { compareNames, type Resource, resourceName } from "./manifest.ts";

/** What messages call a file of a listing. */
export function shownPath({ root, isFile }: Listing, path: string): string {
  return isFile ? root : join(root, path);
}

/** The ranges that a file is hashed in: all of it, or pieces; none where a file of no bytes is cut into pieces. */
export function rangesOf(size: number, shardSize: number | null): readonly (readonly [number, number])[] {
  if (shardSize === null) return [[0, size]];
  return Array.from({ length: Math.ceil(size / shardSize) }, (_, i) => [
    i * shardSize,
    Math.min((i + 1) * shardSize, size),
  ]);
}

/** A resource that is still to be hashed. */
export interface PlannedResource {
  readonly task: HashTask;
  readonly resource: Omit<Resource, "digest">;
}

/** The resources of files, in no order. */
export function planResources(
  listing: Listing,
  files: readonly ListedFile[],
  shardSize: number | null,
): PlannedResource[] {
  return files.flatMap(({ path, place, size }) =>
    rangesOf(size, shardSize).map((range) => ({
      task: { place, shown: shownPath(listing, path), start: range[0], end: range[1], size },
      resource: { path, range: shardSize === null ? null : range },
    })),
  );
}

/** In the order of the specification: by name, code points. */
export function sortResources(resources: readonly Resource[]): Resource[] {
  const named = resources.map((resource) => ({ name: resourceName(resource), resource }));
  return named.sort((a, b) => compareNames(a.name, b.name)).map(({ resource }) => resource);
}
