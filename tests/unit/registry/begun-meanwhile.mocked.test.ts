import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { readJournal } from "../../../src/registry/journal.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

vi.mock("../../../src/registry/journal.ts", { spy: true });

afterEach(() => {
  vi.mocked(readJournal).mockReset();
});

const root = scratchDirectory();

it("a registry that another writer began while this one looked is opened", async () => {
  const directory = join(root, "r");
  await (await openRegistry(directory, { create: true })).add(randomFingerprint({ seed: 1 }), { name: "a" });
  for (const create of [true, false]) {
    vi.mocked(readJournal).mockResolvedValueOnce(null);
    expect((await openRegistry(directory, { create })).list().map(({ name }) => name)).toEqual(["a"]);
  }
});

it("what is no registry stays refused", async () => {
  const directory = join(root, "other");
  mkdirSync(directory);
  writeFileSync(join(directory, "letter.txt"), "dear");
  await expect(openRegistry(directory, { create: true })).rejects.toMatchObject({ code: "REGISTRY_NOT_FOUND" });
});
