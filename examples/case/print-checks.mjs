// Writes into README.md what its checks print: `node examples/case/print-checks.mjs`.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = join(root, "examples/case/README.md");
const work = mkdtempSync(join(tmpdir(), "weightmark-case-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
copyFileSync(join(root, "examples/case/acme-lm.key"), join(work, "acme-lm.key"));
chmodSync(join(work, "acme-lm.key"), 0o600);

const printed = (command, lines) => {
  const args = command.split(" ").map((arg) => arg.replace(/(^|=)examples\//, `$1${root}examples/`));
  const { stdout } = spawnSync(process.execPath, [join(root, "bin/weightmark.js"), ...args], {
    cwd: work,
    encoding: "utf8",
  });
  return stdout.split("\n").slice(0, lines).join("\n").replaceAll(root, "");
};
const shown = /```\n\$ weightmark (.+) \| head -(\d+)\n\n(?:[^`]+\n)?```/g;
const text = readFileSync(page, "utf8").replace(shown, (_, command, lines) => {
  return `\`\`\`\n$ weightmark ${command} | head -${lines}\n\n${printed(command, Number(lines))}\n\`\`\``;
});
writeFileSync(page, text);
