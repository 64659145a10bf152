import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorReport, ScanSummaryReport } from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));
const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const server = startCommandServer();
const run = (...args: string[]) => server.run(args, root);

afterAll(() => server.stop());

beforeAll(async () => {
  mkdirSync(at("store"));
  mkdirSync(at("models", "m"), { recursive: true });
  for (const name of ["config.json", "model.safetensors", "tokenizer.json"]) {
    copyFileSync(join(examples, "models", "base-a", name), at("store", name));
    symlinkSync(at("store", name), at("models", "m", name));
  }
  copyFileSync(join(examples, "demo.key"), at("demo.key"));
  chmodSync(at("demo.key"), 0o600);
});

const MODEL = join("models", "m");
const key = ["--key", "demo.key"];

describe("--allow-links", () => {
  it.each<[string, readonly string[]]>([
    ["inspect", ["inspect", MODEL]],
    ["fingerprint", ["fingerprint", MODEL, "-o", "m.fingerprint.safetensors"]],
    ["compare", ["compare", MODEL, at("store")]],
    ["compare, as the base", ["compare", at("store"), MODEL]],
    ["identify", ["identify", MODEL, "--registry", join(examples, "registry")]],
    ["registry add", ["registry", "add", MODEL, "--registry", "bases"]],
    ["quality", ["quality", MODEL, at("store"), "--text", "text.txt", "--max-tokens", "8", "--threads", "1"]],
    ["watermark capacity", ["watermark", "capacity", MODEL]],
    ["watermark verify", ["watermark", "verify", MODEL, ...key, "--threads", "0"]],
    ["watermark embed", ["watermark", "embed", MODEL, ...key, "-o", "marked", "--unpublished", "--threads", "0"]],
  ])("lets %s read what links lead to, which is refused without it", async (_, args) => {
    copyFileSync(join(import.meta.dirname, "links.test.ts"), at("text.txt"));
    const refused = await run(...args, "--json");
    expect(refused, refused.stdout).toMatchObject({ exitCode: 3, stdout: "" });
    const { error } = requireValid<ErrorReport>("error@1", JSON.parse(refused.stderr));
    expect(error).toMatchObject({ code: "PATH_ESCAPES_ROOT", detail: expect.stringContaining("--allow-links DIR") });
    const allowed = await run(...args, "--json", "--allow-links", at("models"), "--allow-links", "store");
    expect(allowed, allowed.stderr).toMatchObject({ exitCode: 0 });
  });

  it("copies what links beside the weights lead to into a marked copy", () => {
    for (const name of ["config.json", "tokenizer.json"]) {
      expect(readFileSync(at("marked", name))).toEqual(readFileSync(at("store", name)));
    }
  });

  it("is of a scan as well, which goes on with the same directories or not at all", async () => {
    const scan = (...more: string[]) =>
      run("scan", "models", "--registry", join(examples, "registry"), "--no-cache", "--jobs", "0", ...more);
    const refused = await scan("--journal", "one", "--format", "jsonl");
    expect(refused, refused.stderr).toMatchObject({ exitCode: 3 });
    expect(refused.stdout).toContain("PATH_ESCAPES_ROOT");
    expect(await scan("--dry-run", "--allow-links", "store")).toMatchObject({ exitCode: 0 });
    const allowed = ["--allow-links", "store", "--journal", "two"];
    const scanned = await scan(...allowed, "--format", "jsonl");
    expect(scanned, scanned.stderr).toMatchObject({ exitCode: 0 });
    const summary = requireValid<ScanSummaryReport>(
      "scan-summary@1",
      JSON.parse(scanned.stdout.trim().split("\n").at(-1)!),
    );
    expect(summary).toMatchObject({ allowLinks: ["store"], done: 1 });
    expect(await scan(...allowed, "--resume")).toMatchObject({ exitCode: 0 });
    const other = await scan("--journal", "two", "--resume");
    expect(other).toMatchObject({ exitCode: 2 });
    expect(other.stderr).toContain("SCAN_DIFFERS");
    expect(other.stderr).toContain("allowLinks");
  });

  it("takes directories that are there", async () => {
    const nowhere = await run("inspect", MODEL, "--allow-links", "nowhere");
    expect(nowhere).toMatchObject({ exitCode: 3 });
    expect(nowhere.stderr).toMatch(
      /^weightmark: nowhere: --allow-links names no directory that is there \(FILE_NOT_FOUND\)\n/,
    );
    expect(await run("scan", MODEL, "--dry-run", "--allow-links", "demo.key")).toMatchObject({ exitCode: 2 });
  });

  it("lets no output replace what links lead to", async () => {
    const target = at("store", "config.json");
    const before = readFileSync(target);
    const refused = await run("inspect", MODEL, "--allow-links", "store", "-o", target, "--force");
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("OUTPUT_IS_INPUT") });
    expect(readFileSync(target)).toEqual(before);
    expect(existsSync(target)).toBe(true);
  });
});
