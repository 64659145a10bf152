import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../support/command.ts";
import { requireCycloneDx, requireSarif } from "../support/interchange.ts";
import { linesOf, scanCommand } from "../support/scan-command.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));
const { at, server } = scanCommand();

beforeAll(() => {
  mkdirSync(at("keys"));
  copyFileSync(join(examples, "demo.key"), at("keys", "demo.key"));
  chmodSync(at("keys", "demo.key"), 0o600);
});

describe("a scan of the examples", () => {
  const args = ["scan", "models", "--registry", "registry", "--no-cache", "--journal", at("examples.journal")];
  const expected = {
    "base-a": "identical",
    "base-b": "identical",
    finetune: "derived",
    leaked: "derived",
    "renamed-lora": "derived",
    unrelated: "no-evidence",
  };

  it("finds what they are, in threads, and exports it", async () => {
    const files = ["--sarif", at("e.sarif"), "--cyclonedx", at("e.json")];
    const result = await runCommand([...args, "--format", "jsonl", "--fail-on", "derived", "--jobs", "2", ...files], {
      cwd: examples,
    });
    expect(result, result.stderr).toMatchObject({ exitCode: 1 });
    const { items, summary } = linesOf(result);
    expect(Object.fromEntries(items.map(({ name, verdict }) => [name, verdict]))).toEqual(expected);
    expect(summary).toMatchObject({ complete: true, exitCode: 1, listed: 6, done: 6, marked: 0 });
    const sarif = JSON.parse(readFileSync(at("e.sarif"), "utf8"));
    requireSarif(sarif);
    expect(sarif.runs[0].results.map(({ level }: { level: string }) => level)).toEqual(Array(5).fill("error"));
    const bom = JSON.parse(readFileSync(at("e.json"), "utf8"));
    requireCycloneDx(bom);
    expect(bom.components.map(({ name }: { name: string }) => name)).toEqual(Object.keys(expected));

    // The same journal says it again, as text, and reads nothing.
    const again = await server.run([...args, "--resume"], examples);
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toMatch(/\nderived {7}renamed-lora +derives from base-a, p = .*, lora\n/);
    expect(again.stdout).toContain("6 models: 2 identical, 3 derived, 1 no-evidence\n");
  });

  it("finds the mark of the leaked one", async () => {
    const marks = [
      "--watermark-keys",
      at("keys"),
      "--journal",
      at("marks.journal"),
      "--fail-on",
      "mark",
      "--jobs",
      "0",
    ];
    // The server has no default registry: models are held against the keys alone.
    const result = await server.run(["scan", "models/leaked", "--no-cache", "--format", "jsonl", ...marks], examples);
    expect(result, result.stderr).toMatchObject({ exitCode: 1 });
    const { items, summary } = linesOf(result);
    expect(items).toMatchObject([
      { name: "leaked", verdict: null, marks: [{ present: true, payload: "61636d652d303031" }] },
    ]);
    expect(summary).toMatchObject({ registry: null, marked: 1 });
    expect(summary.keys).toEqual(items[0]!.marks.map(({ keyId }) => keyId));
  });
});
