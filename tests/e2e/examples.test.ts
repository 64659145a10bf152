import { readdirSync, readFileSync, writeFileSync } from "node:fs";
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

  const lies: Record<string, string> = { gate: "up", up: "gate", q: "o", o: "q" };
  it.each([
    ["names that say nothing", (_: string, i: number) => `${(i * 7919) % 1000}-x`],
    ["names that lie", (name: string) => name.replace(/(gate|up|q|o)_proj/, (_, role) => `${lies[role]}_proj`)],
  ])("finetune under %s is found in the registry all the same", async (name, rename) => {
    const file = readFileSync(join(root, "examples/models/finetune/model.safetensors"));
    const length = Number(file.readBigUInt64LE());
    const header = Object.entries(JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<string, unknown>);
    const renamed = Object.fromEntries(header.map(([k, v], i) => [k === "__metadata__" ? k : rename(k, i), v]));
    const bytes = Buffer.from(JSON.stringify(renamed));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(bytes.length));
    const suspect = join(scratch, "model.safetensors");
    writeFileSync(suspect, Buffer.concat([size, bytes, file.subarray(8 + length)]));
    const report = await json<IdentifyReport>("identify@1", ["identify", suspect, "--registry", "examples/registry"]);
    // Of names that lie content finds half of the slices, and in these too little training stands out to be told from a start.
    const verdict = name === "names that lie" ? "shared-init" : "derived";
    expect(report.candidates[0]).toMatchObject({ name: "base-a", verdict });
    expect(report.candidates[0]!.log10P).toBeLessThan(-20);
    expect(report.candidates[1]?.verdict ?? "no-evidence").toBe("no-evidence");
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
    const args = [
      "registry",
      "add",
      ...bases,
      "--root",
      "--depth",
      "full",
      "--deep",
      "--deterministic",
      "--registry",
      registry,
    ];
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
