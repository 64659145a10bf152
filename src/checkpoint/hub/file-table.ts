import type { HubFile } from "./repository.ts";

/**
 * The files of a repository by their paths. A tree may list a hundred thousand, and nearly as many models among them: anyone who
 * looked at every file for every model would never end (CWE-407).
 */
export interface FileTable {
  at(path: string): HubFile | null;
  /** Files whose paths begin so, in the order of the repository. */
  below(prefix: string): readonly HubFile[];
  /** Those of the paths that are there, each once, in the order of the repository. */
  among(paths: Iterable<string>): readonly HubFile[];
}

const tables = new WeakMap<readonly HubFile[], FileTable>();

/** The table of these very files, made when it is first asked for. */
export function fileTable(files: readonly HubFile[]): FileTable {
  let table = tables.get(files);
  if (table === undefined) {
    table = makeTable(files);
    tables.set(files, table);
  }
  return table;
}

function makeTable(files: readonly HubFile[]): FileTable {
  const places = new Map(files.map(({ path }, place) => [path, place]));
  const sorted = files.map(({ path }) => path).sort();
  const ordered = (found: Set<number>) => [...found].sort((a, b) => a - b).map((place) => files[place]!);
  return {
    at: (path) => files[places.get(path) ?? -1] ?? null,
    below(prefix) {
      const found = new Set<number>();
      for (let i = firstFrom(sorted, prefix); sorted[i]?.startsWith(prefix) === true; i++) {
        found.add(places.get(sorted[i]!)!);
      }
      return ordered(found);
    },
    among(paths) {
      const found = new Set<number>();
      for (const path of paths) {
        const place = places.get(path);
        if (place !== undefined) found.add(place);
      }
      return ordered(found);
    },
  };
}

/** Where the first text that is not before `text` stands. */
function firstFrom(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
