import { readFileSync } from "node:fs";

/** From the nearest package.json above: sources and build lie at different depths below it. */
export function toolVersion(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as { version: string }).version;
    } catch {
      // One level further up, then.
    }
  }
  return "unknown";
}
