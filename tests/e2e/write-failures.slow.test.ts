import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { keyPair, privatePem } from "../support/certificates.ts";
import { NODE, runCommand } from "../support/command.ts";
import { storeModel } from "../support/keyed-model.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { gaussianLlama } from "../support/spread-model.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const SCRIPT = fileURLToPath(new URL("../support/faulty-command.mjs", import.meta.url));
const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);

/** Digests of files by their paths. */
type Tree = Readonly<Record<string, string>>;

interface Outcome {
  readonly at: number;
  readonly refused: number;
  readonly operation: string | null;
  readonly exitCode: number;
  readonly stderr: string;
  readonly tree: Tree;
  readonly again: { readonly exitCode: number; readonly stderr: string; readonly tree: Tree } | null;
}

const SCAN = [
  "scan",
  "models",
  "--registry",
  "r",
  "--jobs",
  "0",
  "--deterministic",
  "--offline",
  "--journal",
  "journal",
];
const OUTPUTS = ["-o", "out.json", "--json", "--sarif", "out.sarif", "--cyclonedx", "out.bom"];

async function run(args: readonly string[], cwd: string): Promise<void> {
  const result = await runCommand(args, { cwd });
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
}

/** A key that signs; the same in every run, unlike what it makes. */
const SIGNING_KEY = keyPair();

/** The directories that commands begin in. */
beforeAll(async () => {
  for (const [i, name] of ["a", "b"].entries()) writeModel(at("fresh", name), tinyModel(i + 1));
  cpSync(at("fresh"), at("registered"), { recursive: true });
  await run(["registry", "add", "a", "--registry", "r", "--deterministic", "--name", "base"], at("registered"));
  await run(["registry", "export", "--registry", "r", "-o", "archive"], at("registered"));
  await run(["key", "generate", "--no-passphrase", "-o", "key"], at("registered"));
  for (let i = 0; i < 2; i++) writeModel(at("registered", "models", `m${i}`), tinyModel(i + 1));
  writeFileSync(at("registered", "list"), "models/m0\nmodels/m1\n");
  cpSync(at("registered"), at("begun"), { recursive: true });
  await run([...SCAN, "--no-cache"], at("begun"));
  const lines = readFileSync(at("begun", "journal"), "utf8").split("\n");
  writeFileSync(at("begun", "journal"), `${lines.slice(0, 2).join("\n")}\n`);
  const config = { model_type: "llama", hidden_size: 256, num_attention_heads: 4, num_key_value_heads: 4 };
  storeModel(at("marking", "model"), gaussianLlama(1, { layers: 2 }), { "config.json": config });
  cpSync(at("registered", "key"), at("marking", "key"));
  cpSync(at("fresh", "a"), at("signing", "model"), { recursive: true });
  writeFileSync(at("signing", "key.pem"), privatePem(SIGNING_KEY), { mode: 0o600 });
  cpSync(at("marking"), at("committing"), { recursive: true });
  const mark = ["watermark", "embed", "model", "--key", "key", "--rho", "0.02", "--unpublished", "--threads", "0"];
  await run([...mark, "-o", "marked"], at("committing"));
  cpSync(at("fresh", "a"), at("cased", "a"), { recursive: true });
  writeFileSync(at("cased", "key.pem"), privatePem(SIGNING_KEY), { mode: 0o600 });
  await run(["compare", "a", "a", "--json", "--deterministic", "-o", "result.json"], at("cased"));
  await run(["case", "new", "case.json", "--title", "t", "--deterministic"], at("cased"));
  await run(["case", "add", "case.json", "result.json", "--deterministic"], at("cased"));
});

interface Case {
  readonly prepared: string;
  readonly args: readonly string[];
  /** Said besides when the command is run again. */
  readonly resume?: readonly string[];
  /** Every how many operations one is looked at. */
  readonly every?: number;
  /** Files whose content is not the same in every run: keys, and journals, whose lines stand in the order of their ends. */
  readonly unsteady?: RegExp;
  /** Files that are made anew when they are missed. */
  readonly cache?: RegExp;
}

/** What becomes of a command when the first, the second, the third ... operation is the first that fails. */
async function outcomes({ prepared, args, resume = [], every = 1 }: Case, mode: string): Promise<Outcome[]> {
  const task = { prepared: at(prepared), work: at("work"), args, resume, mode, every };
  mkdirSync(at("temporary"), { recursive: true });
  const env = { ...process.env, TMPDIR: at("temporary"), WEIGHTMARK_REGISTRY: "/nonexistent/registry" };
  const { stdout } = await promisify(execFile)(NODE, [SCRIPT, JSON.stringify(task)], { env, maxBuffer: 1 << 28 });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Outcome);
}

/** What a killed or forbidden writer may leave, and what a lock is. */
const LEFT_OVER = /(?:\.tmp|(?:^|\/|\.)lock)$/;

/** Files, and temporary directories; an empty directory of a registry to be means nothing. */
function without(tree: Tree, unsteady: RegExp | undefined, more?: RegExp): Tree {
  const kept = Object.entries(tree).filter(([path, digest]) => {
    return more?.test(path) !== true && (digest !== "directory" || path.endsWith(".tmp"));
  });
  return Object.fromEntries(kept.map(([path, digest]) => [path, unsteady?.test(path) ? "there" : digest]));
}

/** What the command ends with; of a scan lines of its log stand before. */
function errorIn(stderr: string): { code: string; advice: string } {
  const lines = stderr.trimEnd().split("\n");
  const last = lines.at(-1)!;
  const { error } = last.startsWith("{") ? JSON.parse(last) : { error: null };
  if (error !== null) return { code: error.code, advice: error.detail ?? "" };
  const [first = "", advice = ""] = lines.slice(-2);
  return { code: /\(([A-Z_]+)\)$/.exec(first)?.[1] ?? first, advice };
}

/** The entry was removed all the same: its line could not be taken back from the journal. */
const isGone = (stderr: string) => /\(REGISTRY_ENTRY_UNKNOWN\)/.test(stderr);

const registry = (...args: string[]): Case => ({
  prepared: "registered",
  args: ["registry", ...args, "--registry", "r", "--deterministic"],
});

const CASES: readonly (readonly [string, Case])[] = [
  ["inspect -o", { prepared: "fresh", args: ["inspect", "a", "--json", "--deterministic", "-o", "out"] }],
  ["fingerprint -o", { prepared: "fresh", args: ["fingerprint", "a", "--deterministic", "-o", "out"] }],
  ["the first registry add", { ...registry("add", "a"), prepared: "fresh" }],
  ["a later registry add", registry("add", "b")],
  ["registry add --replace", { ...registry("add", "b", "--name", "base", "--replace"), cache: /codes\.bin$/ }],
  ["registry remove", { ...registry("remove", "base"), cache: /codes\.bin$/ }],
  [
    "registry import",
    {
      ...registry("import", "archive", "--replace"),
      args: ["registry", "import", "archive", "--registry", "new", "--deterministic"],
    },
  ],
  ["registry export", registry("export", "-o", "out")],
  ["key generate", { prepared: "fresh", args: ["key", "generate", "--no-passphrase", "-o", "out"], unsteady: /^out$/ }],
  [
    "scan, with a cache and three files of results",
    {
      prepared: "registered",
      args: [...SCAN, "--cache-dir", "cache", ...OUTPUTS],
      resume: ["--resume", "--force"],
      every: 3,
      unsteady: /^journal$/,
    },
  ],
  [
    "scan --resume",
    {
      prepared: "begun",
      args: [...SCAN, "--no-cache", "--resume", ...OUTPUTS],
      resume: ["--force"],
      unsteady: /^journal$/,
      every: 2,
    },
  ],
  [
    "scan --list --dry-run -o",
    { prepared: "registered", args: ["scan", "--list", "list", "--dry-run", "--offline", "-o", "out"] },
  ],
  ["case new", { prepared: "cased", args: ["case", "new", "new.json", "--title", "t", "--deterministic"] }],
  [
    "case add",
    { prepared: "cased", args: ["case", "add", "case.json", "result.json", "--weights", "a=a", "--deterministic"] },
  ],
  [
    "case seal",
    {
      prepared: "cased",
      args: ["case", "seal", "case.json", "--private-key", "key.pem", "-o", "out", "--deterministic"],
      unsteady: /^out$/,
    },
  ],
  [
    "watermark embed",
    {
      prepared: "marking",
      args: [
        "watermark",
        "embed",
        "model",
        "--key",
        "key",
        "--rho",
        "0.02",
        "--unpublished",
        "--threads",
        "0",
        "--deterministic",
        "-o",
        "out",
      ],
      every: 7,
    },
  ],
  [
    "sign",
    {
      prepared: "signing",
      args: ["sign", "model", "--private-key", "key.pem", "--deterministic"],
      unsteady: /^model\/model\.sig$/,
    },
  ],
  [
    "commit",
    {
      prepared: "committing",
      args: ["commit", "marked", "--key", "key", "--threads", "0", "--deterministic", "-o", "out"],
      unsteady: /^out(?:\.opening)?$/,
      every: 2,
    },
  ],
];

describe.each(CASES)("%s", (_, one) => {
  const isScan = one.args[0] === "scan";
  // Of a scan what is written stays, files of results too: each is whole.
  const kept = isScan && !one.args.includes("--dry-run") ? /^(?:journal$|cache|out\.)/ : one.cache;

  it.each(["once", "full"])("leaves nothing of what it could not write, and can be run again (%s)", async (mode) => {
    const all = await outcomes(one, mode);
    const whole = all.at(-1)!;
    expect(whole, whole.stderr).toMatchObject({ exitCode: 0, refused: 0 });
    const [nothing] = await outcomes({ ...one, args: ["--version"] }, "none");
    for (const { at: operation, exitCode, stderr, tree, again, ...rest } of all) {
      const where = `${mode} ${operation} ${rest.operation}: ${stderr}`;
      if (exitCode === 0) {
        expect(without(tree, one.unsteady), where).toEqual(without(whole.tree, one.unsteady));
        continue;
      }
      // What was kept of a scan is not lost; of anything else there is nothing.
      expect(without(tree, undefined, kept), where).toEqual(without(nothing!.tree, undefined, kept));
      expect(`${exitCode} ${errorIn(stderr).code}`, where).toMatch(
        isScan ? /^(?:3 WRITE_FAILED|5 SCAN_INTERRUPTED)$/ : /^3 WRITE_FAILED$/,
      );
      expect(errorIn(stderr).advice, where).not.toBe("");
      expect(again, where).toMatchObject({ exitCode: 0 });
      expect(without(again!.tree, one.unsteady), where).toEqual(without(whole.tree, one.unsteady));
    }
  });

  it("says so, and is no bug, when nothing can be changed any more from some operation on", async () => {
    // An output that was written before cannot be taken away again.
    const left = new RegExp(one.cache === undefined ? LEFT_OVER : `${LEFT_OVER.source}|codes\\.bin$|fingerprints/`);
    const all = await outcomes(
      { ...one, resume: one.args.includes("--dry-run") ? ["--force"] : (one.resume ?? []) },
      "read-only",
    );
    const whole = all.at(-1)!;
    for (const { at: operation, exitCode, stderr, tree, again, ...rest } of all) {
      const where = `${operation} ${rest.operation}: ${stderr}`;
      if (exitCode === 0) {
        expect(without(tree, one.unsteady, left), where).toEqual(without(whole.tree, one.unsteady, left));
        continue;
      }
      expect(`${exitCode} ${errorIn(stderr).code}`, where).toMatch(
        isScan ? /^(?:3 WRITE_FAILED|5 SCAN_INTERRUPTED)$/ : /^3 WRITE_FAILED$/,
      );
      expect(errorIn(stderr).advice, where).not.toBe("");
      if (one.args[0] === "watermark") continue;
      expect(again, where).toMatchObject({ exitCode: expect.toSatisfy((code) => code === 0 || isGone(again!.stderr)) });
      expect(without(again!.tree, one.unsteady, left), where).toEqual(without(whole.tree, one.unsteady, left));
    }
  });
});

describe("doctor", () => {
  it.each(["once", "full", "read-only"])(
    "says that nothing can be written for its check, whatever fails (%s)",
    async (mode) => {
      const all = await outcomes({ prepared: "fresh", args: ["doctor"] }, mode);
      expect(all.length).toBeGreaterThan(4);
      for (const { exitCode, stderr } of all) expect(`${exitCode} ${stderr}`).toMatch(/^[03] $/);
      expect(all[0]!.exitCode).toBe(3);
      expect(all.at(-1)!.exitCode).toBe(0);
    },
  );
});
