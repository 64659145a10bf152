import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let directory = null;

/** A directory of this process for files that targets read from disk; gone when the process ends. */
export function scratch() {
  if (directory === null) {
    directory = mkdtempSync(join(tmpdir(), "weightmark-fuzz-"));
    process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  }
  return directory;
}
