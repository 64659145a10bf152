import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const SOURCE = join(import.meta.dirname, "../../../src");

/** Packages and files that a module loads when it is loaded. Types are no imports, and `import()` waits until it is called. */
function loadedWith(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  if (!path.endsWith(".ts")) return seen;
  const text = readFileSync(path, "utf8");
  for (const [, clause, from] of text.matchAll(/^(?:import|export)\s([^;]*?)\sfrom\s+"([^"]+)";/gm)) {
    const isType = clause!.startsWith("type ") || /^\{(?:\s*type [^,}]+,?)*\s*\}$/.test(clause!);
    if (!isType) loadedWith(from!.startsWith(".") ? join(dirname(path), from!) : from!, seen);
  }
  return seen;
}

test("models on this machine are opened without what reaches others", () => {
  const loaded = loadedWith(join(SOURCE, "checkpoint/open-checkpoint.ts"));
  expect(loaded).toContain(join(SOURCE, "checkpoint/local-folder.ts"));
  expect(loaded).not.toContain(join(SOURCE, "bytes/http/client.ts"));
  for (const name of ["undici", "@huggingface/hub"]) expect(loaded).not.toContain(name);
});

test("the command line that has not been read loads neither", () => {
  const loaded = [...loadedWith(join(SOURCE, "cli/command-line.ts"))];
  expect(loaded.filter((path) => path.includes("/checkpoint/") || path === "undici")).toEqual([]);
});
