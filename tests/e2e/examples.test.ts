import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { CompareReport, IdentifyReport, RegistryReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = scratchDirectory();
const server = startCommandServer();
afterAll(() => server.stop());

async function json<T>(schema: string, args: readonly string[]): Promise<T> {
  const result = await server.run([...args, "--json"], root);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  return requireValid<T>(schema, JSON.parse(result.stdout));
}

describe("the example models", () => {
  it.each([
    ["base-a", "identical", "base-a", "copy"],
    ["base-b", "identical", "base-b", "copy"],
    ["finetune", "derived", "base-a", "fine-tune"],
    ["renamed-lora", "derived", "base-a", "lora"],
  ])("%s is %s of the one base and of no other", async (suspect, verdict, base, relation) => {
    const args = ["identify", `examples/models/${suspect}`, "--registry", "examples/registry", "--depth", "full"];
    const report = await json<IdentifyReport>("identify@1", args);
    expect(report.candidates).toMatchObject([
      { name: base, root: true, verdict, direction: "suspect-from-base", relations: [relation] },
      { verdict: "no-evidence" },
    ]);
    expect(report.candidates[0]!.log10P).toBeLessThan(-20);
  });

  it("unrelated matches nothing, and the negative twins stay silent", async () => {
    const unrelated = ["identify", "examples/models/unrelated", "--registry", "examples/registry"];
    expect((await json<IdentifyReport>("identify@1", unrelated)).verdict).toBe("no-evidence");
    for (const suspect of ["base-a", "finetune", "renamed-lora", "unrelated"]) {
      const args = ["compare", `examples/models/${suspect}`, "examples/models/base-b"];
      expect((await json<CompareReport>("compare@1", args)).verdict, suspect).toBe("no-evidence");
    }
  });

  it("are registered by their present fingerprints, byte for byte", async () => {
    const registry = join(scratch, "registry");
    const bases = ["examples/models/base-a", "examples/models/base-b"];
    const args = ["registry", "add", ...bases, "--root", "--depth", "full", "--deterministic", "--registry", registry];
    await json<RegistryReport>("registry@1", args);
    const files = (directory: string) =>
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile())
        .map((file) => join(file.parentPath, file.name))
        .sort()
        .map((path) => [path.slice(directory.length), readFileSync(path, "base64")]);
    // When this fails, the extraction rules have changed: node scripts/build-examples-registry.mjs
    expect(files(registry)).toEqual(files(join(root, "examples", "registry")));
  });
});
