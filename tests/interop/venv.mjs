import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");

/** The interpreter of a virtual environment below .cache that holds what `requirements` (a file beside this one) lists. */
export function venv(name, requirements) {
  const directory = join(root, ".cache", name);
  const executable = join(directory, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const wanted = readFileSync(join(here, requirements), "utf8");
  const stamp = join(directory, "requirements.txt");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return executable;
  if (spawnSync("python3", ["--version"]).status !== 0) {
    console.error("The interop tests need python3 (with venv) on the path; npm test does not.");
    process.exit(1);
  }
  mkdirSync(join(root, ".cache"), { recursive: true });
  execFileSync("python3", ["-m", "venv", "--clear", directory], { stdio: "inherit" });
  execFileSync(executable, ["-m", "pip", "install", "--quiet", "-r", join(here, requirements)], { stdio: "inherit" });
  writeFileSync(stamp, wanted);
  return executable;
}
