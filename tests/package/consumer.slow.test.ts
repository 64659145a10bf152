import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { ErrorReport, WatermarkVerifyReport } from "../../src/report/schemas/index.ts";
import { NODE } from "../support/command.ts";
import { type ConsumerProject, consumerProject, dependenciesOf, optionalPeersOf } from "../support/consumer-project.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const OPEN_FILES = new URL("../support/open-files.mjs", import.meta.url).href;
const directory = scratchDirectory();
let project: ConsumerProject;

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync(command, args, { cwd: directory, env: { ...process.env, ...env }, encoding: "utf8" });
}

/** What TypeScript has against files of the project, for somebody who has it check libraries too. */
function compile(files: readonly string[], options: object): string {
  const compilerOptions = { target: "es2022", strict: true, skipLibCheck: false, outDir: "out", ...options };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const { status, stdout, stderr } = run(process.execPath, [TSC, "--pretty", "false"]);
  return status === 0 ? "" : `${stdout}${stderr}` || `ended with ${status}`;
}

/** What the README shows of the library. */
function readmeSample(): string {
  const samples = [...readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/```ts\n(.*?\n)```/gs)];
  expect(samples).toHaveLength(1);
  return samples[0]![1]!;
}

/** What the docstrings show of it, a file each. */
function docExamples(): string[] {
  const source = join(ROOT, "src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return files.flatMap((name) =>
    [...readFileSync(join(source, name), "utf8").matchAll(/^ \* @example\n((?: \*(?: .*)?\n)+?)(?= \* @| \*\/)/gm)].map(
      (match) => match[1]!.replaceAll(/^ \* ?/gm, ""),
    ),
  );
}

const CONSUMER = `
import * as weightmark from "weightmark";
import * as quality from "weightmark/quality";
import * as registry from "weightmark/registry";
import * as report from "weightmark/report";
import * as scan from "weightmark/scan";
import * as watermark from "weightmark/watermark";
import type { OpenedSubject, Subject } from "weightmark";
import type { OpenedRegistry } from "weightmark/registry";
import type { CompareReport, ErrorReport, Report } from "weightmark/report";
import type { JobQueue, ResultStore, ScanDatabase } from "weightmark/scan";

// A declaration that the compiler cannot read is taken for anything, and then nothing is checked.
type NamesOfAny<T> = { [Name in keyof T]: 0 extends 1 & T[Name] ? Name : never }[keyof T];
type Given<T> = { [Name in keyof T]: T[Name] extends (...args: never) => infer Result ? Awaited<Result> : T[Name] };
type OfAny<T> = NamesOfAny<T> | NamesOfAny<Given<T>>;
type Named = {
  database: ScanDatabase;
  error: ErrorReport;
  inputs: CompareReport["inputs"];
  opened: OpenedSubject;
  queue: JobQueue;
  registry: OpenedRegistry;
  report: Report;
  store: ResultStore;
  subject: Subject;
};
export const anything: never[] = [] as (
  | OfAny<typeof weightmark>
  | OfAny<typeof quality>
  | OfAny<typeof registry>
  | OfAny<typeof report>
  | OfAny<typeof scan>
  | OfAny<typeof watermark>
  | NamesOfAny<Named>
)[];

export const verdict: CompareReport["verdict"] = "derived";
// @ts-expect-error
export const noVerdict: CompareReport["verdict"] = "guilty";
type NonFinite = NonNullable<CompareReport["nonFinite"]>[number]["value"];
export const infinite: NonFinite = "-Infinity";
// @ts-expect-error
export const finite: NonFinite = "0";
`;

// Anyone who has Node's types, and nothing of a browser; and anyone who has it the other way round.
const node = { lib: ["es2022"], types: ["node"] };
const browser = { lib: ["es2022", "dom"], types: [] };

beforeAll(() => {
  project = consumerProject(directory);
  symlinkSync(join(ROOT, "examples"), join(directory, "examples"), "junction");
  writeFileSync(join(directory, "consumer.ts"), CONSUMER);
  writeFileSync(join(directory, "sample.ts"), readmeSample());
});

describe("the published package", () => {
  test.each([
    ["nodenext", { module: "nodenext", moduleResolution: "nodenext", ...node }],
    ["node16", { module: "node16", moduleResolution: "node16", ...node }],
    ["bundler", { module: "esnext", moduleResolution: "bundler", ...node }],
    ["bundler, without Node's types", { module: "esnext", moduleResolution: "bundler", ...browser }],
    [
      "nodenext, the strictest",
      { module: "nodenext", ...node, exactOptionalPropertyTypes: true, isolatedModules: true },
    ],
  ])("compiles in TypeScript: %s", (_, options) => {
    expect(compile(["consumer.ts", "sample.ts"], options)).toBe("");
  });

  test("compiles what its docstrings show", () => {
    const examples = docExamples();
    expect(examples.length).toBeGreaterThan(5);
    const files = examples.map((text, i) => {
      writeFileSync(join(directory, `example-${i}.ts`), text);
      return `example-${i}.ts`;
    });
    expect(compile(files, { module: "nodenext", ...node })).toBe("");
  });

  test("runs what the README shows, which says what it says there and closes what it opens", () => {
    expect(compile(["sample.ts"], { module: "nodenext", ...node })).toBe("");
    const { status, stdout, stderr } = run(NODE, ["--import", OPEN_FILES, "out/sample.js"]);
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: `${/; \/\/ (.+)$/m.exec(readmeSample())![1]}\n` });
    const { opened, left } = JSON.parse(stderr.trim().split("\n").at(-1)!) as { opened: number; left: string[] };
    expect(opened).toBeGreaterThan(0);
    expect(left).toEqual([]);
  });

  test("holds every file that its modules load, and needs nothing that it does not depend on", () => {
    const { installed } = project;
    const known = new Set([...dependenciesOf(installed), ...optionalPeersOf(installed), "weightmark"]);
    const modules = readdirSync(installed, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".js"),
    );
    const missing: string[] = [];
    let followed = 0;
    for (const name of modules) {
      const path = join(installed, name);
      const text = readFileSync(path, "utf8");
      const named = [
        ...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"\n]+)"|^import "([^"\n]+)"|\bimport\("([^"\n]+)"\)/gm),
        ...text.matchAll(/\bnew URL\("([^"\n]+)", import\.meta\.url\)/g),
      ].map((match) => match.slice(1).find((group) => group !== undefined)!);
      followed += named.length;
      for (const each of named) {
        const [scope, rest] = each.split("/");
        const there = each.startsWith(".")
          ? existsSync(join(dirname(path), each))
          : isBuiltin(each) || known.has(scope!) || known.has(`${scope}/${rest}`);
        if (!there) missing.push(`${name}: ${each}`);
      }
    }
    expect(missing).toEqual([]);
    expect(followed).toBeGreaterThan(modules.length);
    const workers = readdirSync(join(ROOT, "workers")).map((name) => name.replace(/\.([cm]?)ts$/, ".$1js"));
    expect(readdirSync(join(installed, "dist", "workers"))).toEqual(expect.arrayContaining(workers));
    for (const folder of ["docs", "schemas"]) {
      expect(readdirSync(join(installed, folder)).sort()).toEqual(readdirSync(join(ROOT, folder)).sort());
    }
    const all = ["CHANGELOG.md", "LICENSE", "README.md", "bin", "dist", "docs", "package.json", "schemas"];
    expect(readdirSync(installed).sort()).toEqual(all);
  });

  test("runs as a module: a whole reading in threads, and a schema", () => {
    const script = `
      import { fingerprint, openCheckpoint } from "weightmark";
      import schema from "weightmark/schemas/compare@1.json" with { type: "json" };
      const checkpoint = await openCheckpoint("examples/models/base-a");
      const [one, two] = [
        await fingerprint(checkpoint, { depth: "full", threads: 2 }),
        await fingerprint(checkpoint, { depth: "full", threads: 0 }),
      ];
      await checkpoint.close();
      console.log(schema.$id, one.roots.content !== null, one.roots.content === two.roots.content);
    `;
    const { stdout, stderr } = run(NODE, ["--input-type=module", "--eval", script]);
    expect(stdout, stderr).toBe("urn:weightmark:schema:compare@1 true true\n");
  });

  test("runs from CommonJS, by every subpath", () => {
    const script = `
      const { compare, openSubject } = require("weightmark");
      const shown = ["registry", "scan", "watermark", "quality", "report"].map((path) => require("weightmark/" + path));
      if (shown.some((names) => Object.keys(names).length < 5)) throw new Error("a subpath shows nothing");
      (async () => {
        const [suspect, base] = [await openSubject("examples/models/finetune"), await openSubject("examples/models/base-a")];
        console.log((await compare(suspect, base)).verdict);
        await Promise.all([suspect.close(), base.close()]);
      })();
    `;
    const { stdout, stderr } = run(NODE, ["--input-type=commonjs", "--eval", script]);
    expect(stdout, stderr).toBe("derived\n");
  });

  test("says what to install where a database is named and its driver is not there", () => {
    const bin = join(project.installed, "bin", "weightmark.js");
    for (const args of [
      ["registry", "list", "--registry", "postgres://nobody@127.0.0.1:1/none"],
      ["scan", "examples/models", "--database", "postgres://nobody@127.0.0.1:1/none"],
    ]) {
      const { status, stderr } = run(NODE, [bin, ...args, "--json"]);
      const { error } = JSON.parse(stderr.trim().split("\n").at(-1)!) as ErrorReport;
      expect({ status, code: error.code, detail: error.detail }, stderr).toEqual({
        status: 2,
        code: "DATABASE_DRIVER_MISSING",
        detail: "Install the drivers beside weightmark: npm install pg@8 pg-boss@10.",
      });
    }
  });

  test("runs as a command, with all its workers", () => {
    const env = { XDG_STATE_HOME: join(directory, "state"), XDG_CACHE_HOME: join(directory, "cache") };
    const bin = join(project.installed, "bin", "weightmark.js");
    const weightmark = (...args: string[]) => {
      const { status, stdout, stderr } = run(NODE, [bin, ...args], env);
      expect(status, stderr).toBe(0);
      return stdout;
    };
    const [base, marked, key] = ["examples/models/base-b", "marked", "demo.key"];
    copyFileSync(join(ROOT, "examples", "demo.key"), join(directory, key));
    chmodSync(join(directory, key), 0o600);
    weightmark("doctor");
    weightmark("watermark", "embed", base, "-o", marked, "--key", key, "--payload", "acme-001", "--threads", "2");
    const verify = weightmark("watermark", "verify", marked, "--key", key, "--threads", "2", "--json");
    expect(requireValid<WatermarkVerifyReport>("watermark-verify@1", JSON.parse(verify)).level).toBe("forensic");
    const text = "examples/README.md";
    expect(weightmark("quality", base, marked, "--text", text, "--threads", "2")).toContain("compute the same");
    expect(weightmark("scan", "examples/models/finetune", "--registry", "examples/registry", "--jobs", "2")).toContain(
      "derives from base-a",
    );
  });

  // Last: it breaks what the others need.
  test("would not compile with a declaration that cannot be read", () => {
    const options = { module: "nodenext", ...node };
    const declarations = join(project.installed, "dist", "src");
    const report = join(declarations, "report", "schemas", "doctor.d.ts");
    appendFileSync(report, "export declare const broken: { [-Infinity]: 1 };\n");
    expect(compile(["consumer.ts"], options)).toMatch(/doctor\.d\.ts.*TS1170/);
    const connection = join(declarations, "registry", "postgres", "connect.d.ts");
    appendFileSync(connection, 'export type Rows = import("pg").QueryResult;\n');
    expect(compile(["consumer.ts"], options)).toMatch(/connect\.d\.ts.*TS2307/);
    writeFileSync(join(declarations, "scan", "postgres", "job-queue.d.ts"), "export type JobQueueOptions = object;\n");
    expect(compile(["consumer.ts"], options)).toMatch(/scan-database\.d\.ts.*PostgresJobQueue/);
  });
});
