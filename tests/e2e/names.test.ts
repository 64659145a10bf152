import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fsPath } from "../../src/bytes/path-text.ts";
import type { InspectReport, ScanItemReport, ScanSummaryReport } from "../../src/report/schemas/index.ts";
import { type CommandResult, EXECUTABLE, NODE, startCommandServer } from "../support/command.ts";
import { requireCycloneDx, requireSarif } from "../support/interchange.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));
const root = scratchDirectory();
const at = (...path: string[]) => join(root, ...path);
const server = startCommandServer();
const run = (...args: string[]) => server.run(args, root);
const NAME = "mod\udce9le";
const FILE = "\udcff.safetensors";

afterAll(() => server.stop());

/** Runs a command line of the shell, which alone can hand over what is no UTF-8: `$W` is the command. */
function shell(line: string): Promise<CommandResult> {
  const env = { ...process.env, LC_ALL: "C", W: `${NODE} ${EXECUTABLE}`, WEIGHTMARK_REGISTRY: "/nonexistent/registry" };
  return new Promise((done) => {
    execFile("sh", ["-c", line], { cwd: root, env }, (error, stdout, stderr) => {
      done({ exitCode: error === null ? 0 : (error.code as unknown as number), stdout, stderr });
    });
  });
}

// Other systems give out no names but UTF-8.
describe.runIf(process.platform === "linux")("files whose names are no UTF-8", () => {
  beforeAll(() => {
    const weights = join(examples, "models", "leaked", "model.safetensors");
    mkdirSync(fsPath(at("models", NAME)), { recursive: true });
    copyFileSync(weights, fsPath(at("models", NAME, "model.safetensors")));
    copyFileSync(join(examples, "models", "unrelated", "model.safetensors"), fsPath(at("models", FILE)));
  });

  it.each([
    ["a directory", "models/mod\\351le"],
    ["a file", "models/\\377.safetensors"],
  ])("are read when %s is named exactly", async (_, path) => {
    const read = await shell(`$W inspect "$(printf '${path}')" --json`);
    expect(read, read.stderr).toMatchObject({ exitCode: 0 });
    requireValid<InspectReport>("inspect@1", JSON.parse(read.stdout));
  });

  it("are shown as what they are, never written under another name", async () => {
    const refused = await shell(`$W fingerprint "$(printf 'models/mod\\351le')"`);
    expect(refused).toMatchObject({ exitCode: 3, stdout: "" });
    expect(refused.stderr).toBe(
      "weightmark: mod\\u{dce9}le.fingerprint.safetensors: names that are no UTF-8 are not written (WRITE_FAILED)\nName another output.\n",
    );
  });

  it("are scanned with the directory that they lie in, and told in every format", async () => {
    const args = ["scan", "models", "--registry", join(examples, "registry"), "--no-cache", "--journal", "journal"];
    const jsonl = await run(...args, "--jobs", "1", "--format", "jsonl");
    expect(jsonl, jsonl.stderr).toMatchObject({ exitCode: 0 });
    const lines = jsonl.stdout.trimEnd().split("\n");
    const summary = requireValid<ScanSummaryReport>("scan-summary@1", JSON.parse(lines.pop()!));
    expect(summary).toMatchObject({ listed: 2, done: 2, failed: 0, skipped: 0 });
    const items = lines.map((line) => requireValid<ScanItemReport>("scan-item@1", JSON.parse(line)));
    expect(Object.fromEntries(items.map(({ location, verdict }) => [location, verdict]))).toEqual({
      // The only model of the root goes by its name.
      models: "no-evidence",
      [`models/${NAME}`]: "derived",
    });
    for (const format of ["text", "json", "sarif", "cyclonedx"]) {
      const again = await run(...args, "--jobs", "0", "--resume", "--format", format, "-o", `out.${format}`);
      expect(again, again.stderr).toMatchObject({ exitCode: 0 });
      const text = readFileSync(at(`out.${format}`), "utf8");
      expect(text).not.toContain("\ufffd");
      if (format === "sarif") requireSarif(JSON.parse(text));
      if (format === "cyclonedx") requireCycloneDx(JSON.parse(text));
      if (format === "text") expect(text).toContain("mod\\u{dce9}le");
    }
  });

  it("are told from names in which bytes were lost", async () => {
    const lost = await run("inspect", "models/mod\ufffdle");
    expect(lost).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("scan the directory that it lies in") });
  });
});
