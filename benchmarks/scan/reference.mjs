/**
 * What moving the same bytes costs without looking at them: every weight file of the repositories through `fetch`, 16 at
 * a time, thrown away or put through SHA-256. Prints {seconds, cpuSeconds, models, bytes}.
 *
 *   node benchmarks/scan/reference.mjs ENDPOINT DIRECTORY none|sha256
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

const [endpoint, directory, work] = process.argv.slice(2);
const { repositories } = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
const models = repositories.filter(({ kind, bytes }) => bytes > 0 && kind !== "gated" && kind !== "malformed");
const waiting = models.flatMap(({ name, files }) => Object.keys(files).map((path) => `${name}/resolve/main/${path}`));

let bytes = 0;
async function take() {
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const reply = await fetch(`${endpoint}/bench/${path}`);
    const hash = work === "sha256" ? createHash("sha256") : null;
    for await (const piece of reply.body) {
      bytes += piece.length;
      hash?.update(piece);
    }
    hash?.digest();
  }
}
const start = performance.now();
await Promise.all(Array.from({ length: 16 }, take));
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, models: models.length, bytes }));
