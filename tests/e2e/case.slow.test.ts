import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { EXECUTABLE, NODE } from "../support/command.ts";
import { NOWHERE } from "../support/nowhere.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const clone = fileURLToPath(new URL("../..", import.meta.url));

test("every check that examples/case shows prints what it shows, one after the other", () => {
  const page = readFileSync(`${clone}/examples/case/README.md`, "utf8");
  const shown = [...page.matchAll(/```\n\$ weightmark (.+) \| head -(\d+)\n\n([^`]+)\n```/g)];
  expect(shown).toHaveLength(4);
  const work = temporaryDirectory();
  copyFileSync(`${clone}/examples/case/acme-lm.key`, join(work, "acme-lm.key"));
  chmodSync(join(work, "acme-lm.key"), 0o600);
  for (const [, command, lines, output] of shown) {
    const args = command!.split(" ").map((arg) => arg.replace(/(^|=)examples\//, `$1${clone}examples/`));
    const env = { ...process.env, WEIGHTMARK_REGISTRY: NOWHERE };
    const { stdout, stderr } = spawnSync(NODE, [EXECUTABLE, ...args], { cwd: work, env, encoding: "utf8" });
    const said = stdout.split("\n").slice(0, Number(lines)).join("\n").replaceAll(clone, "");
    expect(said, stderr).toBe(output);
  }
});
