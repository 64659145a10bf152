// Compiles benchmarks/*.ts with the sources they use into benchmarks/out/js (Node 20 runs no TypeScript) and runs one.
// Usage: node benchmarks/run.mjs NAME [ARGUMENT...]
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = fileURLToPath(new URL("out/js/", import.meta.url));
const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !existsSync(new URL(`${name}.ts`, import.meta.url))) {
  console.error("usage: node benchmarks/run.mjs NAME [ARGUMENT...]   where benchmarks/NAME.ts exists");
  process.exit(2);
}
execFileSync("npx", ["tsc", "-p", "benchmarks/tsconfig.json"], { cwd: root, stdio: "inherit" });
mkdirSync(`${out}src/kernels`, { recursive: true });
copyFileSync(`${root}src/kernels/kernels.wasm`, `${out}src/kernels/kernels.wasm`);
execFileSync(process.execPath, [`${out}benchmarks/${name}.js`, ...rest], { cwd: root, stdio: "inherit" });
