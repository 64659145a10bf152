import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = process.env.WEIGHTMARK_TEST_NODE ?? process.execPath;

const SHOWN = [
  ...readFileSync(`${root}/README.md`, "utf8").matchAll(
    /```\n\$ (node examples\/hub\.mjs -- )?weightmark (.+) \| head -(\d+)\n\n([^`]+)\n```/g,
  ),
].map(([, hub, command, lines, output]) => ({ hub, command: command!, lines: Number(lines), output: output! }));

test("the README shows eleven commands", () => {
  expect(SHOWN).toHaveLength(11);
});

test.each(SHOWN)("the README shows what it prints: weightmark $command", ({ hub, command, lines, output }) => {
  // Run where the commands may write, with the key's mode as `install -m 600` sets it.
  const work = temporaryDirectory();
  copyFileSync(`${root}/examples/demo.key`, join(work, "demo.key"));
  chmodSync(join(work, "demo.key"), 0o600);
  const env = { ...process.env, XDG_STATE_HOME: join(work, "state"), XDG_CACHE_HOME: join(work, "cache") };
  const args = command.split(" ").map((arg) => arg.replace(/^examples\//, `${root}/examples/`));
  const standIn = hub === undefined ? [] : [`${root}/examples/hub.mjs`, "--port", "0", "--", node];
  const { stdout } = spawnSync(node, [...standIn, `${root}/bin/weightmark.js`, ...args], {
    cwd: work,
    env,
    encoding: "utf8",
  });
  expect(stdout.split("\n").slice(0, lines).join("\n")).toBe(output);
});

test.each(["build-api", "build-docs", "build-schemas"])("what scripts/%s.mjs generates is up to date", (script) => {
  expect(() => execFileSync(node, [`scripts/${script}.mjs`, "--check"], { cwd: root, stdio: "pipe" })).not.toThrow();
});
