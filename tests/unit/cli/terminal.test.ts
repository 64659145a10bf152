import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import { isTerminal, useColour } from "../../../src/cli/terminal.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { tinyModel, writeModel } from "../../support/tiny-model.ts";

const root = scratchDirectory();
const output = capturedOutput();
const at = (...path: string[]) => join(root, ...path);

afterEach(() => {
  vi.unstubAllEnvs();
  for (const stream of [process.stdout, process.stderr]) Reflect.deleteProperty(stream, "isTTY");
});

/** Both streams are a terminal that calls itself `term`. */
function onTerminal(term: string, noColor = ""): void {
  vi.stubEnv("TERM", term);
  vi.stubEnv("NO_COLOR", noColor);
  for (const stream of [process.stdout, process.stderr]) {
    Object.defineProperty(stream, "isTTY", { value: true, configurable: true });
  }
}

describe("a terminal", () => {
  it.each<[boolean | undefined, string | undefined, NodeJS.Platform, boolean]>([
    [true, "xterm-256color", "linux", true],
    [true, "dumb", "linux", false],
    [true, "dumb", "win32", false],
    [true, "", "linux", false],
    [true, undefined, "darwin", false],
    [true, undefined, "win32", true],
    [false, "xterm", "linux", false],
    [undefined, "xterm", "linux", false],
  ])("isTTY %s, TERM %s on %s: %s", (isTTY, TERM, platform, expected) => {
    expect(isTerminal({ isTTY }, { TERM }, platform)).toBe(expected);
  });

  it("is coloured unless NO_COLOR says something", () => {
    const env = { TERM: "xterm" };
    expect(useColour({ isTTY: true }, env)).toBe(true);
    expect(useColour({ isTTY: true }, { ...env, NO_COLOR: "" })).toBe(true);
    for (const NO_COLOR of ["1", "0"]) expect(useColour({ isTTY: true }, { ...env, NO_COLOR })).toBe(false);
    expect(useColour({ isTTY: true }, { TERM: "dumb" })).toBe(false);
    expect(useColour({ isTTY: false }, env)).toBe(false);
  });
});

describe("what commands print", () => {
  beforeAll(() => {
    writeModel(at("model"), tinyModel(1));
    mkdirSync(at("keep"));
  });

  const commands = {
    compare: () => runCommandLine(["compare", at("model"), at("model"), "--depth", "full", "--threads", "0"]),
    scan: async () => {
      const store = ["--registry", at("keep", "bases")];
      await runCommandLine(["registry", "add", at("model"), "--root", ...store]);
      const where = [...store, "--journal", at("keep", "journal"), "--restart", "--no-cache"];
      return runCommandLine(["scan", at("model"), ...where, "--jobs", "0"]);
    },
  };
  const written = async (name: keyof typeof commands) => {
    expect(await commands[name](), output.stderr).toBe(0);
    return output.stdout + output.stderr;
  };

  it.each(["compare", "scan"] as const)("holds no escape sequence on a dumb terminal: %s", async (name) => {
    onTerminal("dumb");
    const text = await written(name);
    for (const char of ["\u001b", "\r"]) expect(text).not.toContain(char);
  });

  it.each(["compare", "scan"] as const)("holds colours and a line that is drawn again on others: %s", async (name) => {
    onTerminal("xterm");
    const text = await written(name);
    expect(text).toContain("\u001b[1m");
    expect(text).toContain("\r\u001b[K");
  });

  it.each(["compare", "scan"] as const)("holds no colour with NO_COLOR: %s", async (name) => {
    onTerminal("xterm", "1");
    expect((await written(name)).replaceAll("\r\u001b[K", "")).not.toContain("\u001b");
  });
});
