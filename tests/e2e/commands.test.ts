import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CompareReport,
  ErrorReport,
  FingerprintReport,
  IdentifyReport,
  InspectReport,
  RegistryReport,
} from "../../src/report/schemas/index.ts";
import { startCommandServer } from "../support/command.ts";
import { requireCycloneDx, requireSarif } from "../support/interchange.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { changed, modelBytes, renamed, tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const server = startCommandServer();
const runCommand = (args: readonly string[], cwd = root) => server.run(args, cwd);
const HOSTILE = "evil\u001b[2J\u202e";

/** Nothing in the text moves a cursor or turns the direction of writing. */
function expectPlain(text: string): void {
  for (const char of ["\u001b", "\u202e", "\r"]) expect(text).not.toContain(char);
}

async function json<T>(schema: string, args: readonly string[], exitCode = 0): Promise<T> {
  const result = await runCommand([...args, "--json"]);
  expect(result, result.stderr).toMatchObject({ exitCode });
  return requireValid<T>(schema, JSON.parse(result.stdout));
}

async function failure(args: readonly string[], exitCode: number): Promise<ErrorReport["error"]> {
  const result = await runCommand([...args, "--json"]);
  expect(result).toMatchObject({ exitCode, stdout: "" });
  return requireValid<ErrorReport>("error@1", JSON.parse(result.stderr)).error;
}

afterAll(() => server.stop());

beforeAll(async () => {
  const base = tinyModel(1);
  writeModel(at("base"), base);
  writeModel(at("other"), tinyModel(2));
  writeModel(at("tuned"), changed(base, 3, 0.2));
  writeModel(
    at("scrambled"),
    renamed(changed(base, 4, 0.2), (name) => `w.${name.replaceAll(/[a-z]/g, "x").length}.${name}`),
  );
  writeModel(
    at(HOSTILE),
    renamed(tinyModel(5), (name) => `${name}${HOSTILE}\r`),
  );
  const added = await runCommand(["registry", "add", "base", "other", "--root", "--registry", "bases"]);
  expect(added, added.stderr).toMatchObject({ exitCode: 0 });
});

describe("inspect", () => {
  it("says what a model holds", async () => {
    const report = await json<InspectReport>("inspect@1", ["inspect", "base"]);
    expect(report).toMatchObject({
      tensors: 20,
      family: "llama",
      confidence: 1,
      dtypes: [{ dtype: "F32", tensors: 20 }],
    });
    expect(report.components).toMatchObject([
      { component: "embeddings", layers: 0, testable: false },
      { component: "model.layers", layers: 2, testable: true },
    ]);
    const total = [...tinyModel(1).values()].reduce((sum, { values }) => sum + values.length, 0);
    expect(report.parameters).toBe(String(total));
  });

  it("gives the same manifest root for another order of tensors and none of the weights", async () => {
    writeModel(at("reversed"), new Map([...tinyModel(9)].reverse()));
    const [one, two] = await Promise.all(
      ["base", "reversed"].map((model) => json<InspectReport>("inspect@1", ["inspect", model])),
    );
    expect(two!.inputs.model.manifestRoot).toBe(one!.inputs.model.manifestRoot);
  });

  it.each([
    ["a missing path", "absent", "FILE_NOT_FOUND"],
    ["an empty directory", "hollow", expect.any(String)],
    ["a cut file", "cut.safetensors", expect.any(String)],
    ["a text file", "notes.txt", expect.any(String)],
  ])("refuses %s with exit code 3", async (_, path, code) => {
    mkdirSync(at("hollow"), { recursive: true });
    writeFileSync(at("cut.safetensors"), modelBytes(tinyModel(1)).subarray(0, 5000));
    writeFileSync(at("notes.txt"), "a haiku");
    const error = await failure(["inspect", path], 3);
    expect(error.code).toEqual(code);
    expect(error.code).not.toBe("INTERNAL");
    const asText = await runCommand(["inspect", path]);
    expect(asText).toMatchObject({ exitCode: 3, stdout: "" });
    expect(asText.stderr).toMatch(/^weightmark: [^\n]*\([A-Z_]+\)\n/);
  });
});

describe("fingerprint", () => {
  it("writes the same file again without a conflict, and no other without --force", async () => {
    const report = await json<FingerprintReport>("fingerprint@1", ["fingerprint", "base"]);
    expect(report.output.location).toBe("base.fingerprint.safetensors");
    const bytes = readFileSync(at("base.fingerprint.safetensors"));
    expect(report.output.bytes).toBe(bytes.length);
    await json("fingerprint@1", ["fingerprint", "base"]);
    const error = await failure(["fingerprint", "other", "-o", "base.fingerprint.safetensors"], 3);
    expect(error.code).toBe("OUTPUT_EXISTS");
    expect(readFileSync(at("base.fingerprint.safetensors"))).toEqual(bytes);
    await json("fingerprint@1", ["fingerprint", "other", "-o", "base.fingerprint.safetensors", "--force"]);
    expect(readFileSync(at("base.fingerprint.safetensors"))).not.toEqual(bytes);
    expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("is not taken of a fingerprint", async () => {
    await json("fingerprint@1", ["fingerprint", "base", "-o", "first"]);
    expect((await failure(["fingerprint", "first", "-o", "second"], 2)).code).toBe("USAGE");
  });

  it("is the same bytes for any number of threads", async () => {
    const files = await Promise.all(
      ["0", "2"].map(async (threads) => {
        await json("fingerprint@1", [
          "fingerprint",
          "base",
          "--depth",
          "full",
          "--threads",
          threads,
          "-o",
          `full-${threads}`,
        ]);
        return readFileSync(at(`full-${threads}`));
      }),
    );
    expect(files[1]).toEqual(files[0]);
  });

  it("never writes over its input, by whatever name", async () => {
    const input = at("base", "model.safetensors");
    const bytes = readFileSync(input);
    symlinkSync(input, at("alias"));
    for (const output of [input, at("alias"), join("base", "..", "base", "model.safetensors")]) {
      expect((await failure(["fingerprint", input, "-o", output, "--force"], 3)).code).toBe("OUTPUT_IS_INPUT");
    }
    expect(readFileSync(input)).toEqual(bytes);
  });

  it("never replaces a file of its input, but the fingerprint beside it", async () => {
    const bytes = readFileSync(at("base", "model.safetensors"));
    for (const args of [
      ["fingerprint", "base", "-o", at("base", "model.safetensors")],
      ["compare", "tuned", "base", "-o", "base/model.safetensors"],
      ["inspect", "base", "-o", "base/model.safetensors"],
    ]) {
      expect((await failure([...args, "--force"], 3)).code).toBe("OUTPUT_IS_INPUT");
    }
    expect(readFileSync(at("base", "model.safetensors"))).toEqual(bytes);
    const beside = at("base", "base.fingerprint.safetensors");
    writeFileSync(beside, "older");
    expect((await runCommand(["fingerprint", "base", "-o", beside, "--force"])).exitCode).toBe(0);
    expect(readFileSync(beside).length).toBeGreaterThan(1000);
    rmSync(beside);
  });

  it.skipIf(process.platform === "win32")("does not wait for a FIFO at the output's place", async () => {
    execFileSync("mkfifo", [at("fifo")]);
    expect((await failure(["fingerprint", "base", "-o", "fifo"], 3)).code).toBe("OUTPUT_EXISTS");
    expect((await failure(["fingerprint", "base", "-o", "fifo", "--force"], 3)).code).toBe("NOT_A_REGULAR_FILE");
  });
});

describe("compare", () => {
  it("finds shared weights, and names no parent unless told which side was trained from scratch", async () => {
    const report = await json<CompareReport>("compare@1", ["compare", "tuned", "base"]);
    expect(report).toMatchObject({ verdict: "derived", direction: "not-established", parents: [] });
    expect(report.log10P).toBeLessThan(-9);
    const text = await runCommand(["compare", "tuned", "base"]);
    expect(text.stdout).toMatch(/^derived: tuned shares trained weights with base, direction not established\.\n/);
    const rooted = await runCommand(["compare", "tuned", "base", "--root"]);
    expect(rooted.stdout).toMatch(/^derived: tuned derives from base\.\n/);
    expect(text.stdout.split("\n").length).toBeLessThan(40);
  });

  it("takes fingerprint files for either side, whatever they are called", async () => {
    await json("fingerprint@1", ["fingerprint", "base", "-o", "b.json"]);
    await json("fingerprint@1", ["fingerprint", "tuned", "-o", "t"]);
    const models = await json<CompareReport>("compare@1", ["compare", "tuned", "base"]);
    for (const sides of [
      ["t", "b.json"],
      ["tuned", "b.json"],
      ["t", "base"],
    ] as const) {
      const report = await json<CompareReport>("compare@1", ["compare", ...sides]);
      expect(report.verdict).toBe("derived");
      expect(report.tests).toEqual(models.tests);
      expect(report.inputs.suspect.sampledRoot).toBe(models.inputs.suspect.sampledRoot);
      expect(report.inputs.suspect.kind).toBe(sides[0] === "t" ? "fingerprint" : "model");
    }
  });

  it("never accuses an independent pair", async () => {
    const report = await json<CompareReport>("compare@1", ["compare", "other", "base", "--root"]);
    expect(report.verdict).toBe("no-evidence");
    const { stdout } = await runCommand(["compare", "other", "base", "--root"]);
    for (const text of [stdout, JSON.stringify(report)]) {
      expect(text).not.toMatch(
        /deriv|copied|copies|stole|steal|theft|plagiar|fine-tun|parent(?!s":\[\])|lora(?!Rank)|offspring|guilty/i,
      );
    }
    expect(stdout).toMatch(/^no-evidence: No evidence/);
  });

  it("says identical for the same weights elsewhere, and exits by --fail-on", async () => {
    cpSync(at("base"), at("copy"), { recursive: true });
    renameSync(at("copy", "model.safetensors"), at("copy", "weights.safetensors"));
    const expected: [string, string, number][] = [
      ["copy", "identical", 1],
      ["copy", "shared-init", 1],
      ["tuned", "identical", 0],
      ["tuned", "derived", 1],
      ["other", "shared-init", 0],
    ];
    await Promise.all(
      expected.map(async ([suspect, failOn, exitCode]) => {
        await json("compare@1", ["compare", suspect, "base", "--fail-on", failOn], exitCode);
      }),
    );
    expect((await json<CompareReport>("compare@1", ["compare", "copy", "base"])).verdict).toBe("identical");
  });

  it("is the same bytes for the same input with --deterministic", async () => {
    const run = () => runCommand(["compare", "tuned", "base", "--json", "--deterministic"]);
    const [one, two] = await Promise.all([run(), run()]);
    expect(one.stdout).toBe(two.stdout);
    expect(JSON.parse(one.stdout)).not.toHaveProperty("startedAt");
  });

  it("are told to other tools, one by one and many in one document, and only where they are about a model", async () => {
    const compared = ["compare", "tuned", "base", "--deterministic"];
    const of = async (...args: string[]) => {
      const { stdout, stderr, exitCode } = await runCommand(args);
      expect(exitCode, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    const bom = await of(...compared, "--format", "cyclonedx");
    requireCycloneDx(bom);
    expect(bom.components[0]).toMatchObject({ name: "tuned", pedigree: { variants: [{ name: "base" }] } });
    const log = await of(...compared, "--format", "sarif");
    requireSarif(log);
    expect(log.runs[0].results).toMatchObject([{ ruleId: "weights-derived" }]);
    await runCommand([...compared, "--json", "-o", "told.json"]);
    await runCommand(["inspect", "base", "--deterministic", "--json", "-o", "seen.json"]);
    const both = await of("report", "--format", "cyclonedx", "told.json", "seen.json");
    requireCycloneDx(both);
    expect(both.components.map(({ name }: { name: string }) => name)).toEqual(["tuned", "base"]);
    expect(both.components[0]).toEqual(bom.components[0]);
    await runCommand(["doctor", "--json", "-o", "doctor.json", "--deterministic"]);
    const refused = await runCommand(["report", "--format", "sarif", "doctor.json"]);
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain("doctor@1 is no finding about a model");
  });

  it("writes the result to --output, in any format", async () => {
    for (const format of ["text", "json", "jsonl"]) {
      const file = `result.${format}`;
      const result = await runCommand(["compare", "tuned", "base", "--format", format, "-o", file]);
      expect(result, result.stderr).toMatchObject({ exitCode: 0, stdout: "" });
      const text = readFileSync(at(file), "utf8");
      if (format === "text") expect(text).toMatch(/^derived: /);
      else requireValid("compare@1", JSON.parse(text));
      if (format === "jsonl") expect(text.indexOf("\n")).toBe(text.length - 1);
    }
    expect((await failure(["compare", "tuned", "base", "-o", "result.json"], 3)).code).toBe("OUTPUT_EXISTS");
  });

  it("keeps paths to itself with --redact-paths", async () => {
    for (const args of [
      ["compare", at("tuned"), at("base")],
      ["inspect", at("absent")],
    ]) {
      for (const format of ["text", "json"]) {
        const { stdout, stderr } = await runCommand([...args, "--format", format, "--redact-paths", "-v"], "/");
        expect(stdout + stderr).not.toContain(root);
        expect(stdout + stderr).toMatch(/tuned|absent/);
      }
    }
  });
});

describe("identify", () => {
  it("names the base, also of a suspect with other tensor names", async () => {
    for (const suspect of ["tuned", "scrambled"]) {
      const report = await json<IdentifyReport>("identify@1", ["identify", suspect, "--registry", "bases"]);
      expect(report).toMatchObject({ verdict: "derived", registry: { entries: 2 } });
      expect(report.candidates[0]).toMatchObject({ name: "base", root: true, verdict: "derived" });
    }
    const text = await runCommand(["identify", "tuned", "--registry", "bases"]);
    expect(text.stdout).toMatch(/^derived: tuned derives from base\.\n/);
  });

  it("says that nothing matches, and that is no failure", async () => {
    const args = ["identify", HOSTILE, "--registry", "bases", "--fail-on", "shared-init"];
    const report = await json<IdentifyReport>("identify@1", args);
    expect(report.verdict).toBe("no-evidence");
    const { stdout, exitCode } = await runCommand(args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^no-evidence: No match/);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).not.toContain("\u202e");
    expect(stdout).toContain("evil\\u{1b}[2J\\u{202e}");
  });

  it("exits 1 for findings, 3 without a registry, 4 with an empty one", async () => {
    await json("identify@1", ["identify", "tuned", "--registry", "bases", "--fail-on", "derived"], 1);
    expect((await failure(["identify", "tuned", "--registry", "absent"], 3)).code).toBe("REGISTRY_NOT_FOUND");
    expect((await failure(["identify", "tuned"], 4)).code).toBe("REGISTRY_EMPTY");
    expect((await failure(["identify", "absent", "--registry", "bases"], 3)).code).toBe("FILE_NOT_FOUND");
  });
});

describe("registry", () => {
  it("adds, lists, shows, exports, imports, verifies and removes", async () => {
    const on = ["--registry", "mine"];
    const added = await json<RegistryReport>("registry@1", ["registry", "add", "base", "other", ...on]);
    expect(added.changes?.map(({ status }) => status)).toEqual(["added", "added"]);
    const list = await json<RegistryReport>("registry@1", ["registry", "list", ...on]);
    expect(list.entries?.map(({ name }) => name)).toEqual(["base", "other"]);
    const digest = list.entries![0]!.digest;
    const shown = await json<RegistryReport>("registry@1", ["registry", "show", digest.slice(0, 12), ...on]);
    expect(shown.entries).toEqual([list.entries![0]]);
    await json("registry@1", ["registry", "export", "-o", "bases.jsonl", ...on]);
    await json("registry@1", ["registry", "import", "bases.jsonl", "--registry", "theirs"]);
    const theirs = await json<RegistryReport>("registry@1", ["registry", "verify", "--registry", "theirs"]);
    expect(theirs.registry.digest).toBe(list.registry.digest);
    expect(theirs.problems).toEqual([]);
    const removed = await json<RegistryReport>("registry@1", ["registry", "remove", "base", ...on]);
    expect(removed).toMatchObject({ changes: [{ status: "removed", entry: { digest } }], registry: { entries: 1 } });
    expect((await failure(["registry", "show", "base", ...on], 3)).code).toBe("REGISTRY_ENTRY_UNKNOWN");
  });

  it("escapes hostile names and takes them for nothing but names", async () => {
    const on = ["--registry", "hostile"];
    await json("registry@1", ["registry", "add", "base", "--name", `../../${HOSTILE}\r\n__proto__`, ...on]);
    const { stdout } = await runCommand(["registry", "list", ...on]);
    expect(stdout).toContain("../../evil\\u{1b}[2J\\u{202e}\\u{d}\\u{a}__proto__");
    expectPlain(stdout);
    const raw = await runCommand(["registry", "list", "--json", ...on]);
    expectPlain(raw.stdout);
    expect(JSON.parse(raw.stdout).entries[0].name).toBe(`../../${HOSTILE}\r\n__proto__`);
    expect(readdirSync(at("hostile")).sort()).toEqual(["codes.bin", "fingerprints", "head.json", "journal.jsonl"]);
  });

  it("refuses what clashes, reports what was poisoned", async () => {
    const on = ["--registry", "clash"];
    await json("registry@1", ["registry", "add", "base", "--name", "n", ...on]);
    expect((await failure(["registry", "add", "other", "--name", "n", ...on], 3)).code).toBe("REGISTRY_CONFLICT");
    await json("registry@1", ["registry", "add", "other", "--name", "n", "--replace", ...on]);
    expect((await failure(["registry", "add", "base", "other", "--name", "n", ...on], 2)).code).toBe("USAGE");
    expect((await failure(["registry", "add", "base", "--name", "", ...on], 2)).code).toBe("REGISTRY_NAME_INVALID");
    const stored = at("clash", "fingerprints", readdirSync(at("clash", "fingerprints"))[0]!);
    writeFileSync(stored, readFileSync(at("base", "model.safetensors")));
    const report = await json<RegistryReport>("registry@1", ["registry", "verify", ...on], 3);
    expect(report.problems).toMatchObject([{ code: "REGISTRY_ENTRY_POISONED", name: "n" }]);
    const asText = await runCommand(["registry", "verify", ...on]);
    expect(asText.stdout).toMatch(/\n\nWhat to do next\n {2}- REGISTRY_ENTRY_POISONED: Find out who changed it; /);
    expect((await failure(["identify", "tuned", ...on], 3)).code).toBe("REGISTRY_ENTRY_POISONED");
  });

  it("needs a place to export to", async () => {
    expect((await failure(["registry", "export", "--registry", "bases"], 2)).code).toBe("USAGE");
    expect((await failure(["registry", "import", "notes.txt", "--registry", "nowhere"], 3)).code).toBe(
      "ARCHIVE_MALFORMED",
    );
  });
});
