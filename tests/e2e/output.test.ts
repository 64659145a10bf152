import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorReport, InspectReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));
const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const server = startCommandServer();
const run = (...args: string[]) => server.run(args, root);
const scan = (...args: string[]) =>
  run("scan", "models", "--registry", join(examples, "registry"), "--no-cache", "--jobs", "0", ...args);
const errorOf = ({ stderr }: { readonly stderr: string }) =>
  requireValid<ErrorReport>("error@1", JSON.parse(stderr)).error;

/** Nothing is called after a stream, or after an address. */
function expectNoOddFiles(): void {
  for (const name of ["-", "file:", "s3:"]) expect(readdirSync(root)).not.toContain(name);
}

afterAll(() => server.stop());
beforeAll(() => {
  mkdirSync(at("models"));
  writeModel(at("models", "m"), tinyModel(1));
  copyFileSync(join(examples, "demo.key"), at("demo.key"));
});

describe("an output", () => {
  it.each(["-", "/dev/stdout", "/dev/fd/1"])("is standard output when it is %s", async (output) => {
    const inspected = await run("inspect", "models/m", "--json", "-o", output);
    expect(inspected, inspected.stderr).toMatchObject({ exitCode: 0 });
    requireValid<InspectReport>("inspect@1", JSON.parse(inspected.stdout));
    const compared = await run("compare", "models/m", "models/m", "-o", output, "--force");
    expect(compared.stdout).toMatch(/^identical: /);
    const scanned = await scan("--format", "jsonl", "-o", output, "--journal", `journal-${output.length}`);
    expect(scanned, scanned.stderr).toMatchObject({ exitCode: 0 });
    expect(scanned.stdout.trimEnd().split("\n")).toHaveLength(2);
    const listed = await scan("--dry-run", "-o", output);
    expect(listed.stdout).toContain("models/m\n");
    expectNoOddFiles();
  });

  it("is a file when it says so, whatever that is called", async () => {
    for (const output of ["./-", "m.json"]) {
      expect(await run("inspect", "models/m", "--json", "-o", output)).toMatchObject({ exitCode: 0, stdout: "" });
      requireValid<InspectReport>("inspect@1", JSON.parse(readFileSync(at(output), "utf8")));
      rmSync(at(output));
    }
  });

  it.each<[string, readonly string[]]>([
    ["a fingerprint", ["fingerprint", "models/m"]],
    ["a key", ["key", "generate", "--no-passphrase", "--release", "r"]],
    ["an archive", ["registry", "export", "--registry", join(examples, "registry")]],
    ["a marked copy", ["watermark", "embed", "models/m", "--key", "demo.key"]],
  ])("is no stream for %s", async (_, args) => {
    for (const output of ["-", "/dev/stdout"]) {
      const refused = await run(...args, "-o", output, "--json");
      expect(refused, refused.stdout).toMatchObject({ exitCode: 2, stdout: "" });
      expect(errorOf(refused)).toMatchObject({ code: "USAGE", detail: expect.stringContaining("Name a file with -o") });
    }
    expectNoOddFiles();
  });

  it("is no stream for an export beside the results", async () => {
    for (const format of ["sarif", "cyclonedx"]) {
      const refused = await scan(`--${format}`, "-", "--json", "--journal", "never");
      expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
      expect(errorOf(refused).detail).toContain(`--format ${format}`);
    }
    expectNoOddFiles();
    expect(existsSync(at("never"))).toBe(false);
  });

  it.each([["/dev/null"], ["/dev/stderr"], ["models"]])("is no %s, with or without --force", async (output) => {
    for (const force of [[], ["--force"]]) {
      const refused = await run("inspect", "models/m", "--json", "-o", output, ...force);
      expect(refused).toMatchObject({ exitCode: 3, stdout: "" });
      const { code, detail } = errorOf(refused);
      expect(code).toBe("NOT_A_REGULAR_FILE");
      expect(detail).toMatch(output === "models" ? /^Name a file in it/ : /> or \|/);
    }
  });
});

describe("a model", () => {
  it("may be named by a file URL, in every place that one is named in", async () => {
    const url = pathToFileURL(at("models", "m")).href;
    for (const args of [
      ["inspect", url],
      ["compare", url, "models/m"],
      ["compare", "models/m", url],
      ["registry", "add", url, "--registry", "bases"],
      ["scan", url, "models", "--dry-run"],
      ["identify", url, "--registry", join(examples, "registry")],
      ["fingerprint", url, "-o", "m.fingerprint.safetensors"],
    ]) {
      const result = await run(...args);
      expect(result, result.stderr).toMatchObject({ exitCode: 0 });
      // Shown as the path that it is.
      expect(result.stdout).not.toContain("file://");
    }
    writeFileSync(at("list"), `${url}\n`);
    const listed = await run("scan", "--list", "list", "--dry-run", "--format", "jsonl");
    expect(JSON.parse(listed.stdout)).toMatchObject({ location: at("models", "m") });
    expectNoOddFiles();
  });

  it("is not fetched from buckets, and it is said how to get it from there", async () => {
    const refused = await run("inspect", "s3://bucket/model.safetensors", "--json");
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(errorOf(refused)).toMatchObject({ code: "HTTP_ADDRESS_INVALID", file: "s3://bucket/model.safetensors" });
    expect(await run("compare", "file://elsewhere/m", "models/m")).toMatchObject({ exitCode: 2 });
  });
});
