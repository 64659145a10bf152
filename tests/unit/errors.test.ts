import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
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

describe("every code of an error", () => {
  it.each(CODES)("%s says what to do next", (code) => {
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

  it("names options that there are", () => {
    const declared = new Set(
      FILES.filter(({ path }) => path.startsWith("cli")).flatMap(({ text }) =>
        [...text.matchAll(/["'](?:-\w, )?(--[a-z-]+)(?: [<[]|["'])/g)].map(([, flag]) => flag!),
      ),
    );
    expect(declared.size).toBeGreaterThan(40);
    const named = [
      ...details().map(({ text }) => text),
      ...Object.values(CONTAINERS).map(({ advice }) => advice),
    ].flatMap((text) => [...text.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([flag]) => flag));
    expect(named.length).toBeGreaterThan(20);
    const unknown = named.filter((flag) => !declared.has(flag) && !FOREIGN_FLAGS.has(flag) && flag !== "--help");
    expect(unknown).toEqual([]);
  });

  it("names no program that its makers have withdrawn", () => {
    expect(FILES.filter(({ text }) => text.includes("huggingface-cli")).map(({ path }) => path)).toEqual([]);
  });
});
