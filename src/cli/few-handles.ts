import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Up to Node 22.11 all modules that one imports are opened at once: the library's index takes 180 handles by itself. */
const ENOUGH = 512;

/** Folders of the library that the command line takes something from. */
const FACES = ["", "registry/", "scan/", "signing/", "watermark/", "commitment/", "quality/", "report/", "case/"];

/** The most files that this process may have open, or null where the system does not say. */
export function openFileLimit(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    if (soft === "unlimited") return Number.POSITIVE_INFINITY;
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

/** Loads the command line one file at a time where the process may open few; elsewhere it is loaded as ever, which is faster. */
export function loadCommandLine(): void {
  loadWithFewHandles(["./start.js"]);
}

/** The same of the library, which is loaded when it is needed elsewhere. */
export function loadLibrary(): void {
  loadWithFewHandles(FACES.map((face) => `../${face}index.js`));
}

function loadWithFewHandles(modules: readonly string[]): void {
  const limit = openFileLimit();
  // Sources are TypeScript, which `require` does not load.
  if (limit === null || limit >= ENOUGH || import.meta.url.endsWith(".ts")) return;
  try {
    for (const module of modules) createRequire(import.meta.url)(module);
  } catch {
    // Anyone who imports it is told why it cannot be loaded.
  }
}
