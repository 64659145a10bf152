import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { buildProgram, runCommandLine } from "../../../src/cli/command-line.ts";
import { pathRedactor } from "../../../src/cli/redact.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { requireValid } from "../../support/schemas.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { tinyModel, writeModel } from "../../support/tiny-model.ts";

const output = capturedOutput();

afterEach(() => {
  vi.unstubAllEnvs();
});

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

describe("the default registry before anything is in it", () => {
  it("may be listed, and is not said to be as it was registered", async () => {
    vi.stubEnv("WEIGHTMARK_REGISTRY", join(temporaryDirectory(), "registry"));
    expect(await runCommandLine(["registry", "list"])).toBe(0);
    expect(await runCommandLine(["registry", "verify"])).toBe(3);
    expect(output.stderr).toContain("REGISTRY_NOT_FOUND");
  });
});

describe("a refusal without paths", () => {
  const away = "/srv/alice/none";
  it.each([
    [["verify", away, "--public-key=/srv/alice/key"]],
    [["inspect", `file://${away}/model`]],
    [["inspect", "file:///srv/al%69ce/none"]],
    [["inspect", `-o${away}/x.json`, away]],
    [["case", "add", "/srv/alice/case.json", "--weights", `model=${away}`]],
    [["case", "add", "/srv/alice/case.json", `--weights=model=${away}`]],
    [["identify", "/srv/alice/x.tar!/home/alice/model", "--registry=/srv/alice/none"]],
  ])("names the last part alone of what is named in %j", async (args) => {
    expect(await runCommandLine([...args, "--redact-paths", "--verbose"])).toBeGreaterThan(1);
    expect(output.stderr.split("\n    at ", 1)[0]).not.toContain("alice");
  });

  it("hides what the environment names, and nothing of another directory that begins like one", async () => {
    vi.stubEnv("WEIGHTMARK_REGISTRY", "/srv/alice/registry");
    const model = temporaryDirectory();
    writeModel(model, tinyModel(1));
    const args = ["identify", model, "--redact-paths"];
    expect(await runCommandLine(args)).toBe(4);
    expect(output.stderr).not.toContain("alice");
    expect(output.stderr).toContain("registry: ");
    expect(pathRedactor(["/srv/al/x"])("/srv/alice/x /srv/al: /srv/al.old /srv/al.")).toBe(
      "/srv/alice/x .: /srv/al.old ..",
    );
  });
});
