import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../../src/cli/command-line.ts";
import { ERRORS } from "../../../src/errors.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** Options of Node and of other programs, which texts may name. */
const FOREIGN_OPTIONS = new Set([
  ...["--permission", "--allow-worker", "--allow-fs-read", "--allow-fs-write", "--allow-net"],
  ...["--jitless", "--disable-wasm-trap-handler"],
  ...["--local-dir", "--safe_serialization", "--decrypt", "--recursive"],
]);

/** Variables that Node or what we depend on reads, and no source of ours. */
const FOREIGN_VARIABLES = new Set(["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "PGPASSWORD"]);

/** Sources without their comments. Kernels and styles are left out: they are other languages. */
const SOURCES = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !/assembly|\bhtml\b/.test(path))
  .map((path) => ({ path, text: withoutComments(readFileSync(join(ROOT, "src", path), "utf8")) }));

function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*\*?[\s\S]*?\*\/|^\s*\/\/.*$|(?<=\s)\/\/ .*$/gm, "");
}

/** What stands between quotes; of templates the text around and in their placeholders. */
function literals(text: string): string[] {
  return text.match(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g) ?? [];
}

const optionsIn = (text: string): string[] => text.match(/(?<![\w-])--[a-z][\w-]*/g) ?? [];

function optionsOf(command: Command): string[] {
  const own = command.options.flatMap(({ long }) => (long == null ? [] : [long]));
  return [...own, "--help", ...command.commands.flatMap(optionsOf)];
}

const DEFINED = new Set(optionsOf(buildProgram(() => {})));
const isKnown = (option: string) => DEFINED.has(option) || FOREIGN_OPTIONS.has(option);

describe("options that texts name", () => {
  it("are there", () => {
    const named = SOURCES.flatMap(({ path, text }) =>
      literals(text)
        .flatMap(optionsIn)
        .map((option) => `${path}: ${option}`),
    );
    expect(named.length).toBeGreaterThan(150);
    expect(named.filter((text) => !isKnown(text.split(": ")[1]!))).toEqual([]);
    expect(
      optionsIn(
        Object.values(ERRORS)
          .map(({ advice, meaning }) => `${advice} ${meaning}`)
          .join("\n"),
      ).filter((option) => !isKnown(option)),
    ).toEqual([]);
  });

  it("are seen by this test: an option that was never there is not", () => {
    expect(DEFINED.size).toBeGreaterThan(50);
    expect(isKnown("--token")).toBe(false);
    expect(optionsIn("Set HF_TOKEN or --token.")).toEqual(["--token"]);
    expect(literals(withoutComments('/** "--a" */\nx("--b"); // "--c"\ny(`--d z`);')).flatMap(optionsIn)).toEqual([
      "--b",
      "--d",
    ]);
  });

  it("are there in the documents as well", () => {
    const files = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)];
    // Of docker, and of benchmarks.
    const foreign = new Set(["--network", "--detach", "--scale", "--model"]);
    const named = files.flatMap((file) =>
      optionsIn(readFileSync(join(ROOT, file), "utf8")).map((option) => `${file}: ${option}`),
    );
    expect(named.length).toBeGreaterThan(50);
    const unknown = named.filter((text) => !isKnown(text.split(": ")[1]!) && !foreign.has(text.split(": ")[1]!));
    expect(unknown).toEqual([]);
  });
});

describe("variables that texts name", () => {
  const VARIABLE =
    /\b(?:(?:HF|HUGGING|HUGGINGFACE|TRANSFORMERS|WEIGHTMARK|XDG|NODE|NO|ALL|HTTPS?)_[A-Z_]*[A-Z]|PG[A-Z]{4,})\b/g;
  /** Read by name, or in both spellings as those of proxies are. */
  const READ = new Set([
    ...SOURCES.flatMap(({ text }) => [...text.matchAll(/\benv\.([A-Z][A-Z_]+)\b/g)].map(([, name]) => name!)),
    ...SOURCES.flatMap(({ text }) => literals(text).map((literal) => literal.slice(1, -1))),
    ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ]);

  it("are read, or of Node", () => {
    const named = SOURCES.flatMap(({ path, text }) =>
      literals(text)
        .filter((literal) => literal.includes(" "))
        .flatMap((literal) => literal.match(VARIABLE) ?? [])
        .filter((name) => !Object.hasOwn(ERRORS, name))
        .map((name) => `${path}: ${name}`),
    );
    expect(named.length).toBeGreaterThan(20);
    const unknown = named.filter((text) => {
      const name = text.split(": ")[1]!;
      return !READ.has(name) && !FOREIGN_VARIABLES.has(name);
    });
    expect(unknown).toEqual([]);
  });
});
