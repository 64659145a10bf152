import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readStored } from "../../../src/registry/stored-file.ts";
import { refusal } from "../../support/refusal.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

it("a file larger than what may be there is not read, and is to be put back", async () => {
  const path = join(temporaryDirectory(), "head.json");
  expect(await readStored(path, 8)).toBeNull();
  writeFileSync(path, "12345678");
  expect(await readStored(path, 8)).toHaveLength(8);
  const error = await refusal(readStored(path, 7), "FILE_UNREADABLE");
  expect(error.detail).toMatch(/^Put back what weightmark wrote there/);
});
