import { execFileSync } from "node:child_process";

/** Workers and the command run from dist: a worker thread on Node 20 cannot load TypeScript. */
export default function setup(): void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
}
