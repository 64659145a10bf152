import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NODE } from "./command.ts";

const NAMES = new URL("../../dist/src/bytes/temporary-name.js", import.meta.url).href;

/** Only there can be told whether the process still runs that a temporary name names. */
export const onLinux = process.platform === "linux";

/** Puts something half-written into a directory, as a process left it that is gone; its name. */
export function leaveBehind(directory: string): string {
  const script = `process.stdout.write((await import("${NAMES}")).temporaryName())`;
  const name = execFileSync(NODE, ["--input-type=module", "-e", script], { encoding: "utf8" });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), "half");
  return name;
}
