import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Up to Node 22.11 all modules that one imports are opened at once: the library's index takes 180 handles by itself. */
const ENOUGH = 512;

/** Folders of the library that the command line takes something from. */
const FACES = ["", "registry/", "scan/", "signing/", "watermark/", "commitment/", "quality/", "report/"];

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

/**
 * Loads the library one file at a time where the process may open few; elsewhere it is loaded when it is needed, which is faster.
 */
export function loadWithFewHandles(): void {
  const limit = openFileLimit();
  // Sources are TypeScript, which `require` does not load.
  if (limit === null || limit >= ENOUGH || import.meta.url.endsWith(".ts")) return;
  try {
    for (const face of FACES) createRequire(import.meta.url)(`../${face}index.js`);
  } catch {
    // Anyone who imports it is told why it cannot be loaded.
  }
}
