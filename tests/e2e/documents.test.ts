import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = process.env.WEIGHTMARK_TEST_NODE ?? process.execPath;

test("the README shows what its command prints", () => {
  const readme = readFileSync(`${root}/README.md`, "utf8");
  const [, command, lines, output] = /```\n\$ weightmark (.+) \| head -(\d+)\n\n([^`]+)\n```/.exec(readme)!;
  const printed = execFileSync(node, ["bin/weightmark.js", ...command!.split(" ")], { cwd: root, encoding: "utf8" });
  expect(printed.split("\n").slice(0, Number(lines)).join("\n")).toBe(output);
});

test.each(["build-docs", "build-schemas"])("what scripts/%s.mjs generates is up to date", (script) => {
  expect(() => execFileSync(node, [`scripts/${script}.mjs`, "--check"], { cwd: root, stdio: "pipe" })).not.toThrow();
});
