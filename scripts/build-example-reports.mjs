// Makes examples/reports anew, pages of what the examples show; with --check only compares, and fails when a byte differs.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const place = join(root, "examples/reports");
const work = mkdtempSync(join(tmpdir(), "weightmark-reports-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
// A clone has the modes that git gives; key files that others can read are refused.
const key = join(work, "demo.key");
copyFileSync(join(root, "examples/demo.key"), key);
chmodSync(key, 0o600);

const registry = ["--registry", "examples/registry"];
const journal = ["--no-cache", "--journal", join(work, "scan.jsonl"), "--jobs", "0", "--quiet"];
const pages = {
  "compare.html": ["compare", "examples/models/finetune", "examples/models/base-a", "--root"],
  "identify-disguised.html": ["identify", "examples/disguised/rotated", ...registry],
  "watermark.html": ["watermark", "verify", "examples/models/leaked", "--key", key],
  "scan.html": ["scan", "examples/models", ...registry, ...journal],
};

mkdirSync(place, { recursive: true });
for (const [name, args] of Object.entries(pages)) {
  const command = [join(root, "bin/weightmark.js"), ...args, "--format", "html", "--deterministic"];
  const page = execFileSync(process.execPath, command, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });
  const file = join(place, name);
  if (!process.argv.includes("--check")) writeFileSync(file, page);
  else if (readFileSync(file, "utf8") !== page) {
    console.error(`examples/reports/${name} is not what the examples show: node scripts/build-example-reports.mjs`);
    process.exitCode = 1;
  }
}
