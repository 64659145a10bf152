import { describe, expect, it } from "vitest";
import { buildProgram, runCommandLine } from "../../../src/cli/command-line.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { requireValid } from "../../support/schemas.ts";

const output = capturedOutput();

const program = buildProgram(() => {});
const commands = [program, ...program.commands, ...program.commands.flatMap(({ commands: sub }) => sub)];
const pathOf = (command: (typeof commands)[number]): string[] =>
  command.parent === null ? [] : [...pathOf(command.parent), command.name()];

describe("help", () => {
  it.each(commands.map((command) => [pathOf(command)]))("of %j says what it does and the exit codes", async (path) => {
    expect(await runCommandLine([...path, "--help"])).toBe(0);
    expect(output.stderr).toBe("");
    expect(output.stdout).toContain(`Usage: weightmark${path.map((word) => ` ${word}`).join("")}`);
    expect(output.stdout).toMatch(/Exit codes:[\s\S]*70 {2}a bug/);
  });

  it("has every command of the interface", () => {
    expect(program.commands.map((command) => command.name())).toEqual([
      "inspect",
      "fingerprint",
      "compare",
      "identify",
      "scan",
      "worker",
      "registry",
      "sign",
      "verify",
      "key",
      "quality",
      "watermark",
      "commit",
      "case",
      "report",
      "doctor",
      "completion",
    ]);
  });
});

describe("usage errors", () => {
  it.each([
    [[]],
    [["registry"]],
    [["frobnicate"]],
    [["compare", "one"]],
    [["compare", "a", "b", "--depth", "shallow"]],
    [["compare", "a", "b", "--fail-on", "no-evidence"]],
    [["compare", "a", "b", "--timeout", "0"]],
    [["compare", "a", "b", "--format", "xml"]],
    [["fingerprint", "a", "--threads", "-1"]],
    [["fingerprint", "a", "--max-bytes", "lots"]],
    [["inspect", "a", "--unknown"]],
    [["inspect", "a", "b"]],
  ])("%j exits 2 and prints nothing on stdout", async (args) => {
    expect(await runCommandLine(args)).toBe(2);
    expect(output.stdout).toBe("");
    expect(output.stderr).not.toBe("");
  });

  it("suggest what may have been meant, in one line", async () => {
    expect(await runCommandLine(["compar"])).toBe(2);
    expect(output.stderr).toBe(
      "weightmark: unknown command 'compar' (Did you mean compare?) (USAGE)\nSee weightmark --help.\n",
    );
  });

  it.each([[["--json"]], [["--format", "json"]], [["--format=jsonl"]]])("are JSON with %j", async (flags) => {
    expect(await runCommandLine(["compare", "one", ...flags])).toBe(2);
    expect(requireValid("error@1", JSON.parse(output.stderr))).toMatchObject({ error: { code: "USAGE" } });
  });
});
