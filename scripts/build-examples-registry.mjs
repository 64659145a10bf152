// Makes examples/registry anew: both bases of examples/models, registered as trained from scratch. Same models, same bytes.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
rmSync(path("examples/registry"), { recursive: true, force: true });
const bases = ["base-a", "base-b"].map((name) => path(`examples/models/${name}`));
const options = ["--root", "--depth", "full", "--deep", "--deterministic", "--registry", path("examples/registry")];
execFileSync(process.execPath, [path("bin/weightmark.js"), "registry", "add", ...bases, ...options], {
  stdio: "inherit",
});
