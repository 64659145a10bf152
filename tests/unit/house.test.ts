import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, test } from "vitest";

/** Data flows one way: a folder may import from itself and from the folders before it. */
const HOUSE = [
  "bytes",
  "formats",
  "threads",
  "kernels",
  "numerics",
  "decoding",
  "checkpoint",
  "signing",
  "anatomy",
  "rows",
  "fingerprint",
  "alignment",
  "deep",
  "lineage",
  "timestamps",
  "watermark",
  "commitment",
  "quality",
  "registry",
  "scan",
  "report",
  "case",
  "cli",
] as const;

/** Rooms within a folder, in order as well; what lies in none of them is the roof and may import all. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  watermark: ["key", "message", "evidence", "host", "carriers", "copy", "resync"],
};
/** Rooms whose own rooms know nothing of one another. */
const APART = "watermark/carriers/";

/**
 * Everybody may report an error, meet a limit and leave something half-done; the index is the library's face and shows whatever
 * it likes.
 */
const FOR_ALL = new Set(["errors.ts", "machine-limit.ts", "unfinished.ts"]);
/** The list of errors, which `errors.ts` alone reads. */
const CATALOGUE = "errors";
const INDEX = "index.ts";
/** What the package shows: the index, and those of the folders that have subpaths. */
const FACES = [
  INDEX,
  ...["registry", "scan", "signing", "watermark", "commitment", "quality", "report", "case"].map(
    (folder) => `${folder}/${INDEX}`,
  ),
];

/** What tests see alone, for nothing else could show how many kept handles are open; and what Stryker asks a plugin for. */
const SEEN_FROM_OUTSIDE = ["openHandles", "strykerPlugins"];

const SOURCE = join(import.meta.dirname, "../../src");

/** Paths below src/, with slashes. Kernel sources are AssemblyScript, not part of the program. */
function sources(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") && !path.startsWith("kernels/assembly/"));
}

/** Relative imports of a file, static, dynamic and re-exporting, as paths below src/. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(SOURCE, path), "utf8");
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.[^"']*)["']/g);
  return [...found].map((match) => normalize(join(dirname(path), match[1]!)).replaceAll("\\", "/"));
}

/** The names that a file exports from others, as its users know them. */
function namesOf(path: string): Set<string> {
  const text = readFileSync(join(SOURCE, path), "utf8");
  const lists = [...text.matchAll(/\bexport\s+(?:type\s+)?\{([^}]*)\}/g)].flatMap(([, list]) => list!.split(","));
  return new Set(
    lists
      .map((name) =>
        name
          .trim()
          .replace(/^type /, "")
          .replace(/^.* as /, ""),
      )
      .filter((name) => name !== ""),
  );
}

/** What a file imports by name, static and dynamic: where from, and what. */
function importedBy(path: string): [to: string, name: string][] {
  const text = readFileSync(join(SOURCE, path), "utf8");
  const found = [
    ...text.matchAll(/\bimport\s+(?:type\s+)?\{([^}]*)\}\s*from\s*"(\.[^"]*)"/g),
    ...text.matchAll(/\bconst \{([^}]*)\} = await import\(\s*"(\.[^"]*)"/g),
  ];
  return found.flatMap(([, list, from]) => {
    const to = normalize(join(dirname(path), from!)).replaceAll("\\", "/");
    const names = list!.split(",").map((name) =>
      name
        .trim()
        .replace(/^type /, "")
        .replace(/(?: as |: ).*$/, ""),
    );
    return names.filter((name) => name !== "").map((name): [string, string] => [to, name]);
  });
}

const folderOf = (path: string): string => path.split("/")[0]!;

function complaint(from: string, to: string): string | null {
  if (to.startsWith("..")) return `${from} imports ${to}, outside of src`;
  const [here, there] = [folderOf(from), folderOf(to)];
  if (here === CATALOGUE || FOR_ALL.has(from))
    return there === CATALOGUE || FOR_ALL.has(to) ? null : `${from} imports ${to}, not an error`;
  if (from === INDEX || FOR_ALL.has(to)) return null;
  if (there === CATALOGUE) return `${from} imports ${to}, past errors.ts`;
  if (here === "cli" && to === INDEX) return null;
  if (here !== "cli" && FACES.includes(to)) return `${from} imports ${to}, which is for users of the library`;
  const [mine, its] = [HOUSE.indexOf(here as never), HOUSE.indexOf(there as never)];
  if (mine < 0) return `${from} lies in no folder of the house`;
  if (its < 0 || its > mine) return `${from} imports ${to}, which lies below it`;
  return here === there ? complaintInside(from, to) : null;
}

/** Of two files of one folder. */
function complaintInside(from: string, to: string): string | null {
  const rooms = ROOMS[folderOf(from)] ?? [];
  const roomOf = (path: string): number => {
    const room = rooms.indexOf(path.split("/")[1]!);
    return room < 0 ? rooms.length : room;
  };
  if (roomOf(to) > roomOf(from)) return `${from} imports ${to}, which lies below it`;
  const isApart =
    [from, to].every((path) => path.startsWith(APART) && path.split("/").length > 3) &&
    from.split("/")[2] !== to.split("/")[2];
  return isApart ? `${from} imports ${to}, of another carrier` : null;
}

/** Names that run and stand nowhere but where they are exported, comments apart, and other files' exports of the same. */
function unusedExports(library: string, texts: readonly string[]): string[] {
  const bare = texts.map((text) =>
    text
      .replaceAll(/\/\*.*?\*\//gs, "")
      .replaceAll(/^\s*\/\/.*$/gm, "")
      .replaceAll(/^export (?:type )?\{[^}]*\} from .*$/gm, ""),
  );
  const counts = new Map<string, number>();
  for (const [word] of [library, ...bare].join("\n").matchAll(/[\w$]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const exported = bare.flatMap((text) => [...text.matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)]);
  return exported.map((match) => match[1]!).filter((name) => counts.get(name) === 1);
}

/** Files that import one another in a circle, each circle once. */
function circles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push(path.slice(at));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of edges.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return found;
}

describe("the house", () => {
  test("every import points upwards", () => {
    const files = sources();
    expect(files.length).toBeGreaterThan(100);
    const edges = files.flatMap((from) => importsOf(from).map((to) => [from, to] as const));
    expect(edges.length).toBeGreaterThan(files.length);
    expect(edges.map(([from, to]) => complaint(from, to)).filter((x) => x !== null)).toEqual([]);
  });

  test("the command line takes what the library shows from where it is shown", () => {
    const shown = new Set(FACES.flatMap((face) => [...namesOf(face)]));
    expect(shown.size).toBeGreaterThan(100);
    const past = sources()
      .filter((path) => folderOf(path) === "cli")
      .flatMap((from) => importedBy(from).map(([to, name]) => ({ from, to, name })))
      .filter(({ to }) => !FACES.includes(to) && folderOf(to) !== "cli" && folderOf(to) !== "report")
      .filter(({ to, name }) => !FOR_ALL.has(to) && shown.has(name));
    expect(past).toEqual([]);
    expect(importedBy("cli/subject.ts").filter(([to]) => to === INDEX).length).toBeGreaterThan(0);
  });

  test("no files import one another in a circle", () => {
    const edges = new Map(sources().map((from) => [from, importsOf(from)]));
    expect(circles(edges)).toEqual([]);
    const ring: [string, string[]][] = [
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", ["a"]],
      ["d", []],
    ];
    expect(circles(new Map(ring))).toEqual([["a", "b", "c"]]);
  });

  test("has the rooms that CONTRIBUTING.md lists, in that order", () => {
    const text = readFileSync(join(SOURCE, "../CONTRIBUTING.md"), "utf8");
    expect([...text.matchAll(/^\| `(\w+)\/` \|/gm)].map((match) => match[1])).toEqual(HOUSE);
    const folders = readdirSync(SOURCE, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual([...HOUSE, CATALOGUE].sort());
  });

  test("comments end before column 130", () => {
    const isComment = /^\s*(?:\/\/|\*|\/\*\*)/;
    const long = sources().flatMap((path) =>
      readFileSync(join(SOURCE, path), "utf8")
        .split("\n")
        .filter((line) => line.length > 130 && isComment.test(line))
        .map((line) => `${path}: ${line}`),
    );
    expect(long).toEqual([]);
  });

  test("directories are made by the one function that ends everywhere", () => {
    const recursive = /mkdir(?:Sync)?\([^;]*recursive/;
    expect(recursive.test("await mkdir(dirname(path), {\n recursive: true })")).toBe(true);
    expect(sources().filter((path) => recursive.test(readFileSync(join(SOURCE, path), "utf8")))).toEqual([]);
  });

  test("one file decides what acts on escape sequences, and few write them", () => {
    const holding = (what: RegExp) => sources().filter((path) => what.test(readFileSync(join(SOURCE, path), "utf8")));
    expect(holding(/\.isTTY/)).toEqual(["cli/terminal.ts"]);
    const escapes = ["cli/progress.ts", "cli/scan/progress.ts", "report/text/style.ts"];
    expect(holding(/\\u001b|\\x1b|\\u\{1b\}/i)).toEqual(escapes);
  });

  test("what is for all imports nothing but that and the catalogue of errors, which imports nothing", () => {
    const files = sources().filter((path) => FOR_ALL.has(path) || folderOf(path) === CATALOGUE);
    expect(files.length).toBeGreaterThan(5);
    expect(files.flatMap(importsOf).filter((to) => folderOf(to) !== CATALOGUE && !FOR_ALL.has(to))).toEqual([]);
  });

  test("nothing that runs is exported for tests and benchmarks alone", () => {
    const programs = ["src", "workers", "bin", "scripts"].flatMap((folder) => {
      const place = join(SOURCE, "..", folder);
      const files = readdirSync(place, { recursive: true, encoding: "utf8" }).filter((path) =>
        /\.[cm]?[jt]s$/.test(path),
      );
      return files.map((path) => readFileSync(join(place, path), "utf8"));
    });
    const library = readFileSync(join(SOURCE, INDEX), "utf8");
    expect(unusedExports(library, programs)).toEqual(SEEN_FROM_OUTSIDE);
    expect(unusedExports("", ["export function a() {}\n// a()\nexport const b = 1;", "/* a */ b;"])).toEqual(["a"]);
    expect(unusedExports("", ["export async function a() {}", 'export { a } from "./a.ts";'])).toEqual(["a"]);
    expect(unusedExports('export { a } from "./a.ts";', ["export async function a() {}"])).toEqual([]);
  });

  test("every import names a file that is there, with its extension", () => {
    const files = new Set(sources());
    const missing = [...files].flatMap((from) => importsOf(from).filter((to) => to.endsWith(".ts") && !files.has(to)));
    expect(missing).toEqual([]);
  });

  test("the check itself sees every kind of import and every wrong direction", () => {
    expect(complaint("anatomy/view.ts", "lineage/compare.ts")).toMatch(/below/);
    expect(complaint("lineage/compare.ts", "anatomy/view.ts")).toBeNull();
    expect(complaint("scan/scan.ts", "registry/index.ts")).toMatch(/for users/);
    expect(complaint("scan/scan.ts", "index.ts")).toMatch(/for users/);
    expect(complaint("cli/main.ts", "index.ts")).toBeNull();
    expect(complaint("report/build.ts", "cli/main.ts")).toMatch(/below/);
    expect(complaint("errors/file-errors.ts", "bytes/x.ts")).toMatch(/not an error/);
    expect(complaint("errors.ts", "bytes/x.ts")).toMatch(/not an error/);
    expect(complaint("bytes/x.ts", "errors/file-errors.ts")).toMatch(/past errors.ts/);
    expect(complaint("errors.ts", "errors/file-errors.ts")).toBeNull();
    expect(complaint("attic/x.ts", "bytes/x.ts")).toMatch(/no folder/);
    expect(complaint("bytes/x.ts", "../bin/x.ts")).toMatch(/outside/);
    expect(complaint("watermark/key/x.ts", "watermark/message/y.ts")).toMatch(/below/);
    expect(complaint("watermark/host/x.ts", "watermark/embed.ts")).toMatch(/below/);
    expect(complaint("watermark/embed.ts", "watermark/host/x.ts")).toBeNull();
    expect(complaint("watermark/carriers/spread/x.ts", "watermark/carriers/tokens/y.ts")).toMatch(/another carrier/);
    expect(complaint("watermark/carriers/spread/x.ts", "watermark/carriers/spread/y.ts")).toBeNull();
    expect(relative(SOURCE, join(SOURCE, "bytes"))).toBe("bytes");
  });
});
