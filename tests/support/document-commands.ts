import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./temporary-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = process.env.WEIGHTMARK_TEST_NODE ?? process.execPath;

const COMMANDS = /```\n\$ (node examples\/hub\.mjs -- )?weightmark (.+) \| head -(\d+)\n\n([^`]+)\n```/g;

/**
 * Tests that a document shows so many commands, each with what it prints.
 *
 * @param prepare makes what else the commands read, in the directory that they run in
 */
export function describeDocument(document: string, count: number, prepare: (work: string) => void = () => {}): void {
  const commands = [...readFileSync(`${root}/${document}`, "utf8").matchAll(COMMANDS)].map(
    ([, hub, command, lines, output]) => ({ hub, command: command!, lines: Number(lines), output: output! }),
  );

  test(`${document} shows ${count} commands`, () => {
    expect(commands).toHaveLength(count);
  });

  test.each(commands)(`${document} shows what is printed: weightmark $command`, (shown) => {
    // Run where the commands may write, with the key's mode as `install -m 600` sets it.
    const work = temporaryDirectory();
    copyFileSync(`${root}/examples/demo.key`, join(work, "demo.key"));
    chmodSync(join(work, "demo.key"), 0o600);
    prepare(work);
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
}
