import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import type { QualityReport } from "../../../src/report/schemas/index.ts";
import { forwardFixture, hashedModel } from "../../support/hashed-model.ts";
import { requireValid } from "../../support/schemas.ts";
import { fileOf } from "../../support/stored-model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

let stdout = "";
let stderr = "";

beforeEach(() => {
  [stdout, stderr] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((...call: unknown[]) => {
    stdout += call[0];
    const done = call.at(-1);
    if (typeof done === "function") done();
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

/** A model, one whose head differs a little, and 300 token ids. */
function files(): { a: string; b: string; ids: string } {
  const { config, shapes } = forwardFixture("llama");
  const [a, b] = [temporaryDirectory(), temporaryDirectory()];
  const model = hashedModel({ config, shapes });
  writeFileSync(join(a, "model.safetensors"), fileOf(model));
  const head = model.get("lm_head.weight")!;
  model.set("lm_head.weight", { ...head, values: head.values.map((x, i) => (i % 3 === 0 ? 1.05 * x : x)) });
  writeFileSync(join(b, "model.safetensors"), fileOf(model));
  for (const directory of [a, b]) writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  const ids = join(a, "ids.json");
  writeFileSync(ids, JSON.stringify(Array.from({ length: 300 }, (_, i) => (i * i) % 23)));
  return { a, b, ids };
}

describe("quality", () => {
  it("prints a result that its schema accepts, the same every time", async () => {
    const { a, b, ids } = files();
    const args = ["quality", a, b, "--token-ids", ids, "--threads", "0", "--json", "--deterministic"];
    expect(await runCommandLine(args)).toBe(0);
    const first = stdout;
    const report = requireValid<QualityReport>("quality@1", JSON.parse(first));
    expect(report).toMatchObject({
      inputs: { a: { location: a, modelType: "llama" }, tokens: { location: ids, kind: "token-ids" } },
      engine: "wasm",
      context: 256,
      windows: 2,
      tokens: 298,
      logits: { compared: String(300 * 23), bitEqual: false },
    });
    stdout = "";
    expect(await runCommandLine([...args, "--no-progress"])).toBe(0);
    expect(stdout).toBe(first);
    expect(stderr).toBe("");
  });

  it("says in words what changed, or that nothing did", async () => {
    const { a, b, ids } = files();
    await runCommandLine(["quality", a, b, "--token-ids", ids, "--threads", "0", "--context", "40"]);
    expect(stdout).toMatch(/^(B predicts this text (worse|better)|No change of quality can be told)/);
    expect(stdout).toMatch(/95 % interval .* paired over 8 blocks/);
    expect(stdout).toMatch(/292 tokens predicted in 8 windows of up to 40, 23 logits each, engine wasm/);
    stdout = "";
    await runCommandLine(["quality", a, a, "--token-ids", ids, "--threads", "0"]);
    expect(stdout).toMatch(/every logit is equal to the bit/);
    expect(stdout).toMatch(/difference \(B - A\) +0\n/);
  });

  it.each([
    [[], "USAGE", 2],
    [["--text", "x", "--token-ids", "y"], "USAGE", 2],
    [["--token-ids", "/nonexistent"], "FILE_NOT_FOUND", 3],
    [["--token-ids", "IDS", "--max-bytes", "10"], "BYTE_BUDGET_EXCEEDED", 3],
    [["--token-ids", "IDS", "--engine", "abacus"], "USAGE", 2],
    [["--token-ids", "IDS", "--context", "1"], "USAGE", 2],
    [["--text", "IDS"], "TOKENIZER_UNUSABLE", 3],
  ])("refuses %j with %s", async (flags, code, exit) => {
    const { a, b, ids } = files();
    const args = flags.map((flag) => (flag === "IDS" ? ids : flag));
    expect(await runCommandLine(["quality", a, b, ...args, "--json"])).toBe(exit);
    expect(JSON.parse(stderr).error.code).toBe(code);
  });
});
