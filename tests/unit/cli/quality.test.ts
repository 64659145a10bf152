import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import type { QualityReport } from "../../../src/report/schemas/index.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { forwardFixture, hashedModel } from "../../support/hashed-model.ts";
import { NOWHERE } from "../../support/nowhere.ts";
import { requireValid } from "../../support/schemas.ts";
import { fileOf } from "../../support/stored-model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const output = capturedOutput();

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
    const first = output.stdout;
    const report = requireValid<QualityReport>("quality@1", JSON.parse(first));
    expect(report).toMatchObject({
      inputs: { a: { location: a, modelType: "llama" }, tokens: { location: ids, kind: "token-ids" } },
      engine: "wasm",
      context: 256,
      windows: 2,
      tokens: 298,
      logits: { compared: String(300 * 23), bitEqual: false },
    });
    output.stdout = "";
    expect(await runCommandLine([...args, "--no-progress"])).toBe(0);
    expect(output.stdout).toBe(first);
    expect(output.stderr).toBe("");
  });

  it("says in words what changed, or that nothing did", async () => {
    const { a, b, ids } = files();
    await runCommandLine(["quality", a, b, "--token-ids", ids, "--threads", "0", "--context", "40"]);
    expect(output.stdout).toMatch(/^(B predicts this text (worse|better)|No change of quality can be told)/);
    expect(output.stdout).toMatch(/95 % interval .* paired over 8 blocks/);
    expect(output.stdout).toMatch(/292 tokens predicted in 8 windows of up to 40, 23 logits each, engine wasm/);
    output.stdout = "";
    await runCommandLine(["quality", a, a, "--token-ids", ids, "--threads", "0"]);
    expect(output.stdout).toMatch(/every logit is equal to the bit/);
    expect(output.stdout).toMatch(/difference \(B - A\) +0\n/);
  });

  it.each([
    [[], "USAGE", 2],
    [["--text", "x", "--token-ids", "y"], "USAGE", 2],
    [["--token-ids", NOWHERE], "FILE_NOT_FOUND", 3],
    [["--token-ids", "IDS", "--max-bytes", "10"], "BYTE_BUDGET_EXCEEDED", 3],
    [["--token-ids", "IDS", "--engine", "abacus"], "USAGE", 2],
    [["--token-ids", "IDS", "--context", "1"], "USAGE", 2],
    [["--text", "IDS"], "TOKENIZER_UNUSABLE", 3],
  ])("refuses %j with %s", async (flags, code, exit) => {
    const { a, b, ids } = files();
    const args = flags.map((flag) => (flag === "IDS" ? ids : flag));
    expect(await runCommandLine(["quality", a, b, ...args, "--json"])).toBe(exit);
    expect(JSON.parse(output.stderr).error.code).toBe(code);
  });
});
