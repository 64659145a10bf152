import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A directory of the calling test file's own, removed after its tests. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "weightmark-test-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
