// Runs the end-to-end tests of the built command and of the package, the slow ones as well, on other Node versions, fetched as
// packages from the registry.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const arch = process.arch === "arm64" ? "arm64" : "x64";
const versions = process.argv.length > 2 ? process.argv.slice(2) : ["22", "24", "26"];
let failed = false;
for (const version of versions) {
  const prefix = `${root}/.cache/node-${version}`;
  const node = `${prefix}/node_modules/node-linux-${arch}/bin/node`;
  if (!existsSync(node)) {
    execFileSync("npm", ["install", "--silent", "--no-save", "--prefix", prefix, `node-linux-${arch}@${version}`], {
      stdio: "inherit",
    });
  }
  console.log(`\n${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`);
  const env = { ...process.env, WEIGHTMARK_TEST_NODE: node };
  for (const config of ["vitest.config.ts", "vitest.slow.config.ts"]) {
    const run = spawnSync("npx", ["vitest", "run", "--config", config, "tests/e2e", "tests/package"], {
      cwd: root,
      env,
      stdio: "inherit",
    });
    failed ||= run.status !== 0;
  }
}
process.exitCode = failed ? 1 : 0;
