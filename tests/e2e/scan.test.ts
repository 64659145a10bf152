import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import type { ScanItemReport } from "../../src/report/schemas/index.ts";
import { EXECUTABLE, NODE } from "../support/command.ts";
import { FOREIGN_HEADS } from "../support/foreign-heads.ts";
import { requireCycloneDx, requireSarif } from "../support/interchange.ts";
import { NOWHERE } from "../support/nowhere.ts";
import { errorOf, HOSTILE, linesOf, scanCommand, storeModels, WITH } from "../support/scan-command.ts";
import { requireValid } from "../support/schemas.ts";
import { writeSparseModel } from "../support/sparse-model.ts";

interface Artifact {
  readonly artifactLocation: { readonly uri: string };
}

const command = scanCommand();
const { root, at, server, quick, ownJournal } = command;

beforeAll(async () => {
  await storeModels(command);
  mkdirSync(at("broken", "cut"), { recursive: true });
  writeFileSync(at("broken", "cut", "model.safetensors"), Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 123]));
  mkdirSync(at("other-format"));
  writeFileSync(at("other-format", "model.mlmodel"), "x");
});

describe("a scan", () => {
  it("skips directories that hold other containers alone, and says which these are and what to do", async () => {
    const write = (name: string, hex: string) => {
      mkdirSync(at("others", name, ".."), { recursive: true });
      writeFileSync(at("others", name), Buffer.from(hex, "hex"));
    };
    for (const [name, kind] of [
      ["coreml/model.mlmodel", "coreMl"],
      ["dcp/__0_0.distcp", "pytorch"],
      ["keras/model.h5", "hdf5"],
    ] as const) {
      write(name, FOREIGN_HEADS.find((head) => head.kind === kind)!.hex);
    }
    const { items, summary } = linesOf(await quick(["others", ...WITH, ...ownJournal(), "--format", "jsonl"]));
    const told = new Map(items.map(({ name, status, failure }) => [name, `${status}: ${failure?.message}`]));
    const only = "skipped: no .safetensors file here, only";
    expect(Object.fromEntries(told)).toEqual({
      coreml: `${only} "model.mlmodel" (a Core ML model)`,
      dcp: `${only} "__0_0.distcp" (part of a torch.distributed checkpoint)`,
      keras: `${only} "model.h5" (an HDF5 file, as Keras writes)`,
    });
    for (const { failure } of items) expect(failure!.detail).toMatch(/^[A-Z].*\.$/);
    expect(summary).toMatchObject({ skipped: 3, failed: 0 });
    const { stdout } = await quick(["others", ...WITH, ...ownJournal()]);
    expect(stdout).toContain("(a Core ML model) (UNSUPPORTED_CONTAINER)\n");
    expect(stdout).toMatch(/\nWhat to do next\n {2}- UNSUPPORTED_CONTAINER: [A-Z].*\.\n/);
  });

  it("says of every model what came of it, and why it exits as it does", async () => {
    const result = await quick(["models", "broken", "other-format", ...WITH, ...ownJournal(), "--format", "jsonl"]);
    expect(result.exitCode).toBe(3);
    const { items, summary } = linesOf(result);
    const outcome = new Map(
      items.map(({ name, status, verdict, failure }) => [name, failure?.code ?? `${status} ${verdict}`]),
    );
    expect(Object.fromEntries(outcome)).toEqual({
      base: "done identical",
      copy: "duplicate identical",
      "nested/tuned": "done derived",
      [HOSTILE]: "done no-evidence",
      outside: "PATH_ESCAPES_ROOT",
      cut: "ST_HEADER_TRUNCATED",
      "other-format": "UNSUPPORTED_CONTAINER",
    });
    expect(summary).toMatchObject({ exitCode: 3, listed: 7, done: 3, duplicates: 1, skipped: 2, failed: 1 });
    expect(items.find(({ name }) => name === "copy")).toMatchObject({
      duplicateOf: "models/base",
      work: { bytesRead: "0" },
    });
  });

  it("prints names that its terminal does not act on, in every format", async () => {
    for (const format of ["text", "json", "jsonl", "sarif", "cyclonedx"]) {
      const { stdout, stderr, exitCode } = await quick(["models", ...WITH, ...ownJournal(), "--format", format, "-v"]);
      expect(exitCode, stderr).toBe(0);
      // Silence is no result in SARIF.
      expect(stdout.includes("evil")).toBe(format !== "sarif");
      for (const char of ["\u001b", "\u202e", "\r"]) expect(stdout + stderr).not.toContain(char);
      if (format === "sarif") requireSarif(JSON.parse(stdout));
      if (format === "cyclonedx") requireCycloneDx(JSON.parse(stdout));
    }
  });

  it("tells in SARIF what lies below the working directory relative to it, and completes no path that is to be hidden", async () => {
    const uris = async (cwd: string, ...more: string[]) => {
      const args = ["scan", at("models", "nested"), "--registry", at("bases"), ...WITH.slice(2), ...ownJournal()];
      const { stdout, stderr, exitCode } = await server.run([...args, "--format", "sarif", ...more], cwd);
      expect(exitCode, stderr).toBe(0);
      const { results } = JSON.parse(stdout).runs[0] as { results: { locations: [{ physicalLocation: Artifact }] }[] };
      return results.map(({ locations: [{ physicalLocation }] }) => physicalLocation.artifactLocation.uri);
    };
    expect(await uris(root)).toEqual(["models/nested/tuned"]);
    expect(await uris(at("bases"))).toEqual([pathToFileURL(at("models", "nested", "tuned")).href]);
    expect(await uris(at("bases"), "--redact-paths")).toEqual(["nested/tuned"]);
  });

  it("repeats its bytes with --deterministic, whatever the threads, the cache and the journal", async () => {
    const run = (...more: string[]) => quick(["models", "broken", "--registry", "bases", "--deterministic", ...more]);
    const [one, two] = [ownJournal(), ownJournal()];
    const first = await run(...one, "--cache-dir", at("cache"), "--jobs", "0");
    expect(first.exitCode, first.stderr).toBe(3);
    expect((await run(...two, "--no-cache", "--jobs", "2")).stdout).toBe(first.stdout);
    expect((await run(...two, "--cache-dir", at("cache"), "--jobs", "0", "--restart")).stdout).toBe(first.stdout);
    for (const format of ["jsonl", "json", "sarif", "cyclonedx"]) {
      const again = await run(...one, "--resume", "--format", format);
      expect((await run(...two, "--resume", "--format", format)).stdout).toBe(again.stdout);
      expect(again.stdout).not.toMatch(/\d\dT\d\d:/);
    }
  });

  it.each([
    [0, ["models"]],
    [0, ["models", "--fail-on", "mark"]],
    [1, ["models", "--fail-on", "shared-init"]],
    [1, ["models", "--exclude", "base", "--exclude", "copy", "--fail-on", "mark", "--fail-on", "derived"]],
    [0, ["models", "--exclude", "{base,copy}", "--fail-on", "recast"]],
    [2, []],
    [2, ["models", "--resume", "--restart"]],
    [2, ["models", "--fail-on", "no-evidence"]],
    [2, ["models", "--dry-run", "--sarif", "x"]],
    [3, ["models", "broken", "--fail-on", "derived"]],
    [3, ["no-such-directory"]],
    [4, ["other-format"]],
    [4, ["models", "--include", "nothing-like-this"]],
  ])("exits %i for %j", async (exitCode, args) => {
    const result = await quick([...args, ...WITH, ...ownJournal()]);
    expect(result, result.stderr + result.stdout).toMatchObject({ exitCode });
  });

  it("reads a list of locations", async () => {
    writeFileSync(at("list.txt"), `# ours\r\nmodels/base\r\n\r\n{"location":"models/nested/tuned"}\n`);
    const { items } = linesOf(await quick(["--list", "list.txt", ...WITH, ...ownJournal(), "--format", "jsonl"]));
    expect(items.map(({ verdict }) => verdict).sort()).toEqual(["derived", "identical"]);
  });

  it("lists what it would read with --dry-run, and keeps no journal", async () => {
    const journal = at("dry-journal");
    const args = ["models", "--registry", NOWHERE, "--dry-run", "--journal", journal];
    const text = await quick(args);
    expect(text).toMatchObject({ exitCode: 0, stderr: "" });
    expect(text.stdout).toMatch(/kB +base +models\/base\n/);
    expect(text.stdout).toMatch(/\n4 models, 1\.85 MB of weights where known; nothing of them was read\n$/);
    const lines = (await quick([...args, "--format", "jsonl"])).stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const line of lines) requireValid(line.schema.replace("weightmark/", ""), line);
    expect(lines.map(({ name }) => name)).toContain("nested/tuned");
    expect(JSON.parse((await quick([...args, "--json"])).stdout).items).toEqual(lines);
    expect(readdirSync(root)).not.toContain("dry-journal");
  });

  // A limit to the size of files stands in for a full disk: the SARIF rules alone are longer, the other results are not.
  it.skipIf(process.platform === "win32").each([
    ["silence", [], 3, /\nExit code 3: a result could not be written\n/],
    ["findings", ["--fail-on", "derived"], 3, /\nExit code 3: a result could not be written\n/],
    [
      "a model that times out",
      ["large", "--timeout", "0.3005", "--depth", "full"],
      5,
      /\nExit code 5: \d models? failed for passing/,
    ],
  ])("tells of no good end when a result cannot be written: %s", async (name, more, exitCode, end) => {
    const [sarif, bom, result] = ["sarif", "bom", "json"].map((kind) => at(`${name}.${kind}`));
    if (more.includes("large")) writeSparseModel(at("large"), 96);
    const files = ["--sarif", sarif!, "--cyclonedx", bom!, "-o", result!, "--json"];
    const args = ["scan", "models/nested", ...WITH, "--log-format", "json", ...more];
    const limited = async (printed: readonly string[]) => {
      const script = `ulimit -f 4; "$0" "$@"; echo ":$?"`;
      const words = ["-c", script, NODE, EXECUTABLE, ...args, ...ownJournal(), ...printed];
      const { stdout, stderr } = await promisify(execFile)("bash", words, { cwd: root });
      return { stdout, log: stderr.trimEnd().split("\n") };
    };
    const told = await limited(["--sarif", sarif!]);
    expect(told.stdout).toMatch(end);
    expect(told.stdout.endsWith(`:${exitCode}\n`)).toBe(true);
    expect(told.log.at(-2)).toMatch(/^weightmark: .*\.sarif could not be written \(EFBIG.*\(WRITE_FAILED\)$/);
    expect(told.log.at(-1)).toMatch(/ulimit -f/);
    expect(JSON.parse(told.log.at(-3)!)).toMatchObject({ event: "finished", exit_code: exitCode });

    const kept = await limited(files);
    expect(kept.stdout).toBe(`:${exitCode}\n`);
    expect(JSON.parse(kept.log.at(-1)!)).toMatchObject({ error: { code: "WRITE_FAILED", file: sarif } });
    expect(JSON.parse(readFileSync(result!, "utf8")).summary.exitCode).toBe(exitCode);
    requireCycloneDx(JSON.parse(readFileSync(bom!, "utf8")));
    expect(existsSync(sarif!)).toBe(false);
  });

  it("refuses results where something else lies, before it reads anything", async () => {
    const refused = async (...args: string[]) =>
      errorOf(await quick(["models", ...WITH, ...ownJournal(), "--json", ...args])).code;
    writeFileSync(at("there.sarif"), "");
    expect(await refused("--sarif", "there.sarif")).toBe("OUTPUT_EXISTS");
    expect(await refused("-o", "none/result.json")).toBe("FILE_NOT_FOUND");
    expect(await refused("-o", "there.sarif/result.json")).toBe("FILE_NOT_FOUND");
    expect(await refused("-o", "n".repeat(300))).toBe("WRITE_FAILED");
    expect(await refused("-o", "/dev/null", "--force")).toBe("NOT_A_REGULAR_FILE");
    expect(await refused("-o", "x.json", "--cyclonedx", "./x.json")).toBe("USAGE");
    expect(await refused("-o", "models/base/model.safetensors", "--force")).toBe("OUTPUT_IS_INPUT");
    expect(await refused("-o", "bases/journal.jsonl", "--force")).toBe("OUTPUT_IS_INPUT");
    const fine = await quick([
      ".",
      "--include",
      "models/base",
      ...WITH,
      ...ownJournal(),
      "--sarif",
      "there.sarif",
      "--force",
      "-q",
    ]);
    expect(fine, fine.stderr).toMatchObject({ exitCode: 0, stderr: "" });
    requireSarif(JSON.parse(readFileSync(at("there.sarif"), "utf8")));
  });

  it("logs one JSON object a line, and shows no directory with --redact-paths", async () => {
    const args = [at("models"), at("broken"), ...WITH, ...ownJournal(), "--log-format", "json", "--redact-paths"];
    const { stdout, stderr } = await quick([...args, "--format", "json"]);
    const events = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.filter(({ event }) => event === "item")).toHaveLength(6);
    expect(events.at(-1)).toMatchObject({ level: "info", event: "finished", listed: 6, failed: 1, exit_code: 3 });
    expect(stdout + stderr).not.toContain(root);
    expect(JSON.parse(stdout).items.map(({ location }: ScanItemReport) => location)).toContain("models/nested/tuned");
  });
});
