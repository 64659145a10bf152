import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CaseReport, CaseVerifyReport, ErrorReport } from "../../src/report/schemas/index.ts";
import { keyPair, privatePem, publicPem } from "../support/certificates.ts";
import { startCommandServer } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (name: string) => join(root, name);
const server = startCommandServer();
const key = keyPair();
const run = (args: readonly string[]) => server.run(args, root);

async function json<T>(schema: string, args: readonly string[], exitCode = 0): Promise<T> {
  const result = await run([...args, "--json"]);
  expect(result, result.stderr).toMatchObject({ exitCode });
  return requireValid<T>(schema, JSON.parse(schema === "error@1" ? result.stderr : result.stdout));
}
const refused = async (args: readonly string[], exitCode = 3) =>
  (await json<ErrorReport>("error@1", args, exitCode)).error;

const TRUST = ["--public-key", "key.pub"];
const GIVEN = ["--weights", "suspect=suspect", "--weights", "base=base", "--weights", "bases=bases"];
const VERIFY = ["case", "verify", "sealed.json", ...TRUST];

afterAll(() => server.stop());

beforeAll(async () => {
  writeModel(at("suspect"), tinyModel(1));
  writeModel(at("base"), tinyModel(1));
  writeFileSync(at("key.pem"), privatePem(key), { mode: 0o600 });
  writeFileSync(at("key.pub"), publicPem(key));
  await run(["registry", "add", "base", "--root", "--registry", "bases"]);
  await run(["identify", "suspect", "--registry", "bases", "--limit", "3", "--json", "-o", "identify.json"]);
  await run(["compare", "suspect", "base", "--root", "--depth", "full", "--json", "-o", "compare.json"]);
  await run(["fingerprint", "suspect", "-o", "suspect.fp"]);
  await run(["compare", "suspect.fp", "base", "--json", "-o", "stored.json"]);
});

describe("case", () => {
  it("keeps results of commands, and computes them again as they were asked for", async () => {
    await json("case@1", [
      "case",
      "new",
      "case.json",
      "--title",
      "Copy?",
      "--examiner",
      "E",
      "--note",
      "a",
      "--note",
      "b",
    ]);
    const add = ["case", "add", "case.json", "identify.json", "compare.json", "stored.json"];
    const added = await json<CaseReport>("case@1", [...add, ...GIVEN.slice(0, 2), ...GIVEN.slice(4)]);
    expect(added).toMatchObject({ title: "Copy?", examiner: "E", notes: ["a", "b"], redacted: false });
    expect(added.inputs.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      "model suspect",
      "registry bases",
      "model base",
      "fingerprint suspect.fp",
    ]);
    expect(added.inputs[1]!.fingerprints).toMatchObject([{ name: "base" }]);
    expect(added.log.map(({ action }) => action)).toEqual(["identification", "collection", "acquisition"]);
    expect(added.results[0]!.result).toMatchObject({ parameters: { limit: 3 } });
    expect(added.results[1]!.result).toMatchObject({ parameters: { root: true, depth: "full" } });
    await json("case@1", ["case", "seal", "case.json", "-o", "sealed.json", "--private-key", "key.pem"]);
    const report = await json<CaseVerifyReport>("case-verify@1", [
      ...VERIFY,
      ...GIVEN,
      "--weights",
      "suspect.fp=suspect.fp",
    ]);
    expect(report.results.map(({ status, details }) => [status, details])).toEqual([
      ["reproduced", []],
      ["reproduced", []],
      ["reproduced", []],
    ]);
    expect(report.inputs.map(({ status }) => status)).toEqual(Array(4).fill("unchanged"));
    expect(report.environment).toMatchObject({ same: true });
  });

  it("ends with what came of it", async () => {
    const none = await run(VERIFY);
    expect(none.exitCode).toBe(0);
    expect(none.stdout).toMatch(
      /^seal holds: sealed.json\n {2}The seal and the log hold; 0 of 3 results came out again, inputs are missing for 3\.\n/,
    );
    expect((await run([...VERIFY, "--require-all"])).exitCode).toBe(1);
    expect((await run([...VERIFY, "--require-all", ...GIVEN, "--weights", "suspect.fp=suspect.fp"])).exitCode).toBe(0);
    writeModel(at("another"), tinyModel(2));
    const changed = await run([...VERIFY, "--weights", "suspect=another", ...GIVEN.slice(2)]);
    expect(changed.exitCode).toBe(1);
    expect(changed.stdout).toMatch(
      /1\. changed: identify@1: .*\n {5}- verdict differs: recorded identical, now no-evidence\n/,
    );
    expect(changed.stdout).toContain("- suspect (suspect) is not what was examined");
    writeFileSync(at("other.pub"), publicPem(keyPair()));
    const foreign = await run(["case", "verify", "sealed.json", "--public-key", "other.pub"]);
    expect(foreign.exitCode).toBe(1);
    expect(foreign.stdout).toMatch(
      /^case does not hold \(SIGNATURE_KEY_MISMATCH\): sealed.json\n.*Nothing that it says was tested\.\n/,
    );
  });

  it("refuses by name", async () => {
    expect(await refused(["case", "add", "sealed.json", "identify.json"])).toMatchObject({ code: "CASE_SEALED" });
    expect(await refused(["case", "verify", "case.json", ...TRUST])).toMatchObject({ code: "CASE_UNSEALED" });
    expect(await refused([...VERIFY, "--weights", "nobody=base"], 2)).toMatchObject({ code: "CASE_INPUT_UNKNOWN" });
    expect(await refused([...VERIFY, "--weights", "base=nowhere"])).toMatchObject({ code: "FILE_NOT_FOUND" });
    expect(await refused([...VERIFY, "--weights", "bases=nowhere"])).toMatchObject({ code: "FILE_NOT_FOUND" });
    expect(await refused([...VERIFY, "--weights", "base=hf:a/b", "--offline"])).toMatchObject({ code: "OFFLINE" });
    expect(await refused([...VERIFY, "--weights", "base"], 2)).toMatchObject({ code: "USAGE" });
    expect(await refused(["case", "add", "case.json"], 2)).toMatchObject({ code: "USAGE" });
    expect(await refused(["case", "seal", "case.json", "--private-key", "key.pem"], 2)).toMatchObject({
      code: "USAGE",
    });
    const seal = ["case", "seal", "case.json", "--private-key", "key.pem", "-o"];
    expect(await refused([...seal, "case.json"])).toMatchObject({ code: "OUTPUT_IS_INPUT" });
    expect(await refused([...seal, "sealed.json"])).toMatchObject({ code: "OUTPUT_EXISTS" });
    await json("case@1", ["case", "new", "empty.json", "--title", "t"]);
    const empty = ["case", "seal", "empty.json", "--private-key", "key.pem", "-o", "no"];
    expect(await refused(empty, 4)).toMatchObject({ code: "CASE_EMPTY" });
    expect(existsSync(at("no"))).toBe(false);
  });

  it("is shown as a page, sealed or not", async () => {
    for (const file of ["case.json", "sealed.json"]) {
      const { exitCode, stdout } = await run(["report", file]);
      expect(exitCode).toBe(0);
      expect(stdout.match(/<article/g)).toHaveLength(4);
      expect(stdout).toContain("Neither the seal nor the log was verified for this page");
    }
  });
});

describe("examples/case", () => {
  const clone = fileURLToPath(new URL("../..", import.meta.url));
  const page = readFileSync(`${clone}/examples/case/README.md`, "utf8");
  const shown = [...page.matchAll(/```\n\$ weightmark (.+) \| head -(\d+)\n\n([^`]+)\n```/g)];

  it("shows four checks, of which the first prints what it shows", async () => {
    expect(shown).toHaveLength(4);
    const [, command, lines, output] = shown[0]!;
    const { stdout } = await server.run(command!.split(" "), clone);
    expect(stdout.split("\n").slice(0, Number(lines)).join("\n")).toBe(output);
  });

  it("was made by commands that are there, with keys that none of them are secret", () => {
    const commands = [...page.matchAll(/```sh\n([^`]+)```/g)].flatMap(([, block]) => block!.trim().split("\n"));
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) expect(spawnSync("sh", ["-n", "-c", command]).status, command).toBe(0);
    const files = execFileSync("ls", [`${clone}/examples/case`], { encoding: "utf8" })
      .trim()
      .split("\n");
    for (const file of files) {
      expect(readFileSync(`${clone}/examples/case/${file}`, "latin1"), file).not.toMatch(/-BEGIN [A-Z ]*PRIVATE KEY-/);
    }
  });
});
