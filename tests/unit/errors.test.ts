import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { IN_FLAGS, inFlags, reportInFlags } from "../../src/cli/advice.ts";
import { exitCodeOf } from "../../src/cli/exit-codes.ts";
import { ERRORS, type ErrorCode, errorData, errorOf, WeightmarkError } from "../../src/errors.ts";
import { CONTAINERS } from "../../src/formats/foreign/containers.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];
const SOURCE = join(import.meta.dirname, "../../src");
const FILES = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.includes("assembly"))
  .map((path) => ({ path, text: readFileSync(join(SOURCE, path), "utf8") }));

/** Whole sentences: a capital, a quote or a command first, and an end. */
const SENTENCES = /^[A-Z`].*[.?]$/s;
/** Options of other programs, which advice may name. */
const FOREIGN_FLAGS = new Set(["--local-dir", "--safe_serialization", "--decrypt", "--permission", "--jitless"]);

/** Commands of other programs, and names that files give. */
const FOREIGN_CODE = /^(?:ulimit|hf) /;

/** Where a detail is what was found, and not what to do. */
const CHECKS = new Set(["cli/checks.ts", "cli/machine-checks.ts"]);

/** What sources say to do about an error, placeholders left out: the values of `detail`. */
function details(): { path: string; text: string }[] {
  return FILES.flatMap(({ path, text }) =>
    [...text.matchAll(/\bdetail:\s*(?:\w+(?:\.\w+)*\s*\?\s*)?("(?:[^"\\]|\\.)*"|'[^']*'|`(?:[^`\\]|\\.)*`)/g)].map(
      ([, literal]) => ({
        path,
        // What is put before a sentence is one of its own, or nothing.
        text: literal!
          .slice(1, -1)
          .replaceAll("\\`", "`")
          .replace(/^\$\{\w+\}(?=[A-Z])/, ""),
      }),
    ),
  ).filter(({ path }) => !CHECKS.has(path));
}

/** Flags that the command line declares. */
function declaredFlags(): ReadonlySet<string> {
  return new Set(
    FILES.filter(({ path }) => path.startsWith("cli")).flatMap(({ text }) =>
      [...text.matchAll(/["'](?:-\w, )?(--[a-z-]+)(?: [<[]|["'])/g)].map(([, flag]) => flag!),
    ),
  );
}

/** What stands in quotes in a source, outside of its comments. */
function literals(source: string): string[] {
  const code = source.replace(/^\s*(?:\/\*\*?|\*|\/\/).*$/gm, "");
  return [...code.matchAll(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g)].map(([literal]) =>
    literal.slice(1, -1).replaceAll("\\`", "`"),
  );
}

function codeIn(literal: string): string[] {
  return [...literal.matchAll(/`([^`$]+)`/g)].map(([, code]) => code!);
}

describe("every code of an error", () => {
  it.each(CODES)("%s says what to do next, and how a process ends", (code) => {
    expect([2, 3, 4, 5, 70]).toContain(exitCodeOf(code));
    const { advice, meaning } = ERRORS[code];
    expect(advice).toMatch(SENTENCES);
    expect(advice.length).toBeGreaterThan(20);
    expect(advice.length).toBeLessThan(140);
    // A pipe would end the cell of the table in docs/errors.md.
    expect(advice).not.toMatch(/[|\n]|--[a-z]/);
    expect(meaning).not.toMatch(/\.$/);
  });

  it("has advice of its own", () => {
    const advice = CODES.map((code) => ERRORS[code].advice as string);
    expect(new Set(advice).size).toBe(CODES.length);
    const meanings = new Set(CODES.map((code) => ERRORS[code].meaning as string));
    expect(advice.filter((text) => meanings.has(text.replace(/\.$/, "")))).toEqual([]);
  });

  it("is told by an error that nobody gave a detail", () => {
    for (const code of CODES) expect(new WeightmarkError(code, "x").detail).toBe(ERRORS[code].advice);
    expect(new WeightmarkError("NO_WEIGHTS", "x", { detail: undefined }).detail).toBe(ERRORS.NO_WEIGHTS.advice);
  });

  it("is not told where whoever threw it knew better", () => {
    const error = new WeightmarkError("NO_WEIGHTS", "x", { detail: "Look there." });
    expect(error.detail).toBe("Look there.");
    expect(errorOf(errorData(error)).detail).toBe("Look there.");
  });
});

describe("what sources say to do about an error", () => {
  it("is in whole sentences", () => {
    const found = details();
    expect(found.length).toBeGreaterThan(90);
    expect(found.filter(({ text }) => !SENTENCES.test(text))).toEqual([]);
  });

  it("names no flag or command of ours: the command line says what its users call what is meant", () => {
    const library = FILES.filter(({ path }) => !path.startsWith("cli"));
    const flags = declaredFlags();
    expect(flags.size).toBeGreaterThan(40);
    const found = library.flatMap(({ path, text }) =>
      literals(text).flatMap((literal) =>
        [...literal.matchAll(/(?<![\w-])--[a-z][\w-]*/g)]
          .map(([flag]) => flag)
          .filter((flag) => flags.has(flag) && !FOREIGN_FLAGS.has(flag))
          .map((flag) => `${path}: ${flag}`),
      ),
    );
    expect(found).toEqual([]);
    // A flag of another program is known for one.
    const named = Object.values(CONTAINERS).flatMap(({ advice }) => [...advice.matchAll(/(?<![\w-])--[a-z][\w-]*/g)]);
    expect(named.length).toBeGreaterThan(2);
    expect(named.map(([flag]) => flag).filter((flag) => !FOREIGN_FLAGS.has(flag) && flag !== "--help")).toEqual([]);
  });

  it("names by code nothing but what the command line has a word for, and what others call so", () => {
    const library = FILES.filter(({ path }) => !path.startsWith("cli"));
    const named = new Set(library.flatMap(({ text }) => literals(text)).flatMap(codeIn));
    const unknown = [...named].filter((code) => !IN_FLAGS.has(code) && !FOREIGN_CODE.test(code));
    expect(unknown).toEqual([]);
    expect([...IN_FLAGS.keys()].filter((code) => !named.has(code))).toEqual([]);
  });

  it("is said with flags and commands that there are", () => {
    const flags = declaredFlags();
    const said = [...IN_FLAGS.values()].flatMap((text) => [...text.matchAll(/--[a-z-]+/g)].map(([flag]) => flag));
    expect(said.length).toBeGreaterThan(25);
    expect(said.filter((flag) => !flags.has(flag))).toEqual([]);
  });

  it("is said by the command line as its users know it, in advice and caveats, and nowhere else", () => {
    expect(inFlags("Raise `maxBytes`, or `ulimit -n`.")).toBe("Raise --max-bytes, or `ulimit -n`.");
    const report = { name: "`resume`", failure: { message: "`resume`", detail: "Try `resume`." }, caveats: ["`base`"] };
    expect(reportInFlags(report)).toEqual({
      name: "`resume`",
      failure: { message: "`resume`", detail: "Try --resume." },
      caveats: ["--base"],
    });
  });

  it("names no program that its makers have withdrawn", () => {
    expect(FILES.filter(({ text }) => text.includes("huggingface-cli")).map(({ path }) => path)).toEqual([]);
  });
});
