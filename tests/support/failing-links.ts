import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { onTestFinished } from "vitest";

type Link = typeof promises.link;

/** Has every hard link made by `instead` until the test ends. */
export function replaceLinks(instead: (link: Link) => Link): void {
  const { link } = promises;
  promises.link = instead(link);
  syncBuiltinESMExports();
  onTestFinished(() => {
    promises.link = link;
    syncBuiltinESMExports();
  });
}

/** A file system without hard links, which says so as `code`. */
export function withoutLinks(code: string): void {
  replaceLinks(() => async (existing) => {
    throw Object.assign(new Error(`${code}: link '${String(existing)}'`), { code, syscall: "link" });
  });
}
