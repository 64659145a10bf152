import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { WeightmarkError } from "../../../src/errors.ts";
import { identifySubject } from "../../../src/lineage/identify.ts";
import { openIndexedRegistry, openRegistry } from "../../../src/registry/file-registry.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const root = scratchDirectory();
let count = 0;
const base = randomFingerprint({ seed: 1 });
const suspect = {
  name: "suspect",
  fingerprint: randomFingerprint({ seed: 9, from: base, noise: 0.02 }),
  checkpoint: null,
  root: false,
};

async function registryOf(names: readonly string[]) {
  const directory = join(root, `r${count++}`);
  const registry = await openRegistry(directory, { create: true });
  for (const [i, name] of names.entries()) {
    await registry.add(i === 0 ? base : randomFingerprint({ seed: 100 + i }), { name });
  }
  const path = (name: string) => join(directory, "fingerprints", `${registry.find(name).digest}.safetensors`);
  return { directory, registry, path };
}

it.each([
  ["poisoned", (path: string) => writeFileSync(path, "x")],
  ["gone", (path: string) => rmSync(path)],
])("tests the next candidate when the closest is %s, and says that it was not tested", async (_, damage) => {
  const { directory, registry, path } = await registryOf(["base", "b", "c", "d"]);
  const before = await identifySubject(suspect, registry);
  expect(before.candidates.map(({ name }) => name)).toContain("base");
  damage(path("base"));
  for (const source of [await openRegistry(directory), openIndexedRegistry(directory, await registry.index())]) {
    const result = await identifySubject(suspect, source);
    expect(result.candidates).toHaveLength(2);
    expect(result.caveats[0]).toMatch(/base base was not tested: .*damaged or gone, and its codes come close/);
  }
});

it("gives no answer when no base could be read, and says in one without a match that some could not", async () => {
  const { directory, registry, path } = await registryOf(["base", "b", "c", "d"]);
  writeFileSync(path("base"), "x");
  expect((await identifySubject(suspect, registry)).summary).toMatch(
    /^No match: .*, and 1 of the closest could not be read\.$/,
  );
  for (const name of ["b", "c", "d"]) writeFileSync(path(name), "x");
  // Opened again: what was read before stays in memory.
  const again = identifySubject(suspect, await openRegistry(directory));
  await expect(again).rejects.toMatchObject({ code: "REGISTRY_ENTRY_POISONED" });
});

it("does not call a registry that cannot be read one without a match", async () => {
  const { registry } = await registryOf(["base"]);
  const away = new WeightmarkError("DATABASE_UNREACHABLE", "away");
  const source = {
    ...{ entries: 1, digest: registry.digest, updatedAt: null },
    candidates: registry.candidates.bind(registry),
    load: () => Promise.reject(away),
  };
  await expect(identifySubject(suspect, source)).rejects.toBe(away);
});

it("answers alike from an index while the registry grows", async () => {
  const { directory, registry } = await registryOf(["base", "b"]);
  const index = await registry.index();
  const before = await identifySubject(suspect, registry);
  await registry.add(randomFingerprint({ seed: 50, from: base, noise: 0.01 }), { name: "closer" });
  expect(await identifySubject(suspect, openIndexedRegistry(directory, index))).toEqual(before);
  expect((await identifySubject(suspect, registry)).candidates.map(({ name }) => name)).toContain("closer");
});
