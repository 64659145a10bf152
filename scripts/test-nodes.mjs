// Runs the end-to-end tests of the built command and of the package, the slow ones as well, on other Node versions, fetched as
// packages from the registry.
//
//   npm run test:nodes -- [--slow-on VERSION]... [VERSION...]        slow ones on these versions alone; default: on all
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const arch = process.arch === "arm64" ? "arm64" : "x64";
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { "slow-on": { type: "string", multiple: true } },
});
const versions = positionals.length > 0 ? positionals : ["22", "24", "26"];
const slowOn = values["slow-on"] ?? versions;
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
  const slow = slowOn.includes(version) ? ["vitest.slow.config.ts"] : [];
  for (const config of ["vitest.config.ts", ...slow]) {
    const run = spawnSync("npx", ["vitest", "run", "--config", config, "tests/e2e", "tests/package"], {
      cwd: root,
      env,
      stdio: "inherit",
    });
    failed ||= run.status !== 0;
  }
}
process.exitCode = failed ? 1 : 0;
