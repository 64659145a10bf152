import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCommandLine } from "../../../src/cli/command-line.ts";
import type { CompareReport } from "../../../src/report/schemas/index.ts";
import { capturedOutput } from "../../support/captured-output.ts";
import { caseFiles, SEALER } from "../../support/case-files.ts";
import { privatePem, publicPem } from "../../support/certificates.ts";

const output = capturedOutput();

it("commands say nothing of paths that results alone name, with --redact-paths", async () => {
  const { directory, result, suspect, open, sealed } = await caseFiles();
  const report = JSON.parse(readFileSync(result, "utf8")) as CompareReport;
  writeFileSync(result, JSON.stringify({ ...report, summary: `${suspect} is equal to another.` }));
  const [key, pub] = [join(directory, "key.pem"), join(directory, "key.pub")];
  writeFileSync(key, privatePem(SEALER), { mode: 0o600 });
  writeFileSync(pub, publicPem(SEALER));
  for (const args of [
    ["new", open, "--title", "t"],
    ["add", open, result, "--redact-paths"],
    ["add", open, result, "--redact-paths", "--json"],
    ["seal", open, "-o", sealed, "--private-key", key],
    ["verify", sealed, "--public-key", pub, "--redact-paths"],
  ]) {
    const before = output.stdout.length;
    expect(await runCommandLine(["case", ...args]), output.stderr).toBe(0);
    const said = output.stdout.slice(before);
    expect(said.includes("secret place"), said).toBe(args.includes("--private-key"));
    expect(said).toMatch(/suspect|title|opened/);
  }
  // What is kept is as it was: the paths are left out where they are shown.
  expect(readFileSync(open, "utf8")).toContain("secret place");
});
