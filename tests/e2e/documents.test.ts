import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = process.env.WEIGHTMARK_TEST_NODE ?? process.execPath;

test("the README shows what its commands print", () => {
  const readme = readFileSync(`${root}/README.md`, "utf8");
  const shown = [
    ...readme.matchAll(/```\n\$ (node examples\/hub\.mjs -- )?weightmark (.+) \| head -(\d+)\n\n([^`]+)\n```/g),
  ];
  expect(shown.length).toBe(5);
  // Run where the commands may write, with the key's mode as `install -m 600` sets it.
  const work = temporaryDirectory();
  copyFileSync(`${root}/examples/demo.key`, join(work, "demo.key"));
  chmodSync(join(work, "demo.key"), 0o600);
  const env = { ...process.env, XDG_STATE_HOME: join(work, "state"), XDG_CACHE_HOME: join(work, "cache") };
  for (const [, hub, command, lines, output] of shown) {
    const args = command!.split(" ").map((arg) => arg.replace(/^examples\//, `${root}/examples/`));
    const standIn = hub === undefined ? [] : [`${root}/examples/hub.mjs`, "--port", "0", "--", node];
    const { stdout } = spawnSync(node, [...standIn, `${root}/bin/weightmark.js`, ...args], {
      cwd: work,
      env,
      encoding: "utf8",
    });
    expect(stdout.split("\n").slice(0, Number(lines)).join("\n")).toBe(output);
  }
});

test.each(["build-docs", "build-schemas"])("what scripts/%s.mjs generates is up to date", (script) => {
  expect(() => execFileSync(node, [`scripts/${script}.mjs`, "--check"], { cwd: root, stdio: "pipe" })).not.toThrow();
});
