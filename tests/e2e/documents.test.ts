import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = process.env.WEIGHTMARK_TEST_NODE ?? process.execPath;

const COMMANDS = /```\n\$ (node examples\/hub\.mjs -- )?weightmark (.+) \| head -(\d+)\n\n([^`]+)\n```/g;

/** Commands that documents show with their output, and how many there are. */
const DOCUMENTS = { "README.md": 11, "docs/containers.md": 8 };

const shownIn = (document: string) =>
  [...readFileSync(`${root}/${document}`, "utf8").matchAll(COMMANDS)].map(([, hub, command, lines, output]) => ({
    document,
    hub,
    command: command!,
    lines: Number(lines),
    output: output!,
  }));

test.each(Object.entries(DOCUMENTS))("%s shows %i commands", (document, count) => {
  expect(shownIn(document)).toHaveLength(count);
});

test.each(Object.keys(DOCUMENTS).flatMap(shownIn))("$document shows what is printed: weightmark $command", (shown) => {
  // Run where the commands may write, with the key's mode as `install -m 600` sets it.
  const work = temporaryDirectory();
  copyFileSync(`${root}/examples/demo.key`, join(work, "demo.key"));
  chmodSync(join(work, "demo.key"), 0o600);
  if (shown.command.includes(" leaked.pt "))
    execFileSync(node, [`${root}/examples/torch-file.mjs`, join(work, "leaked.pt")]);
  const env = { ...process.env, XDG_STATE_HOME: join(work, "state"), XDG_CACHE_HOME: join(work, "cache") };
  const args = shown.command.split(" ").map((arg) => arg.replaceAll(/(^|\+)examples\//g, `$1${root}/examples/`));
  const standIn = shown.hub === undefined ? [] : [`${root}/examples/hub.mjs`, "--port", "0", "--", node];
  const { stdout } = spawnSync(node, [...standIn, `${root}/bin/weightmark.js`, ...args], {
    cwd: work,
    env,
    encoding: "utf8",
  });
  expect(stdout.split("\n").slice(0, shown.lines).join("\n")).toBe(shown.output);
});

test.each(["build-api", "build-docs", "build-formats", "build-schemas"])(
  "what scripts/%s.mjs generates is up to date",
  (script) => {
    expect(() => execFileSync(node, [`scripts/${script}.mjs`, "--check"], { cwd: root, stdio: "pipe" })).not.toThrow();
  },
);
