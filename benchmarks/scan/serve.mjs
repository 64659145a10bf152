/**
 * The stand-in of the Hub in a process of its own, so that its work is not counted as the scan's.
 *
 *   node benchmarks/scan/serve.mjs (over IPC: {directory} | {large: [{id, layout, shards}]} and latencyMs)
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startHub } from "../../tests/support/hub/hub.mjs";
import { largeModel } from "./large-model.mjs";

/** Repositories of a directory that make-repositories.mjs wrote: weights are not hashed again. */
function smallOnes(directory) {
  const { repositories } = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
  const digests = new Map(repositories.map(({ name, files }) => [name, files]));
  return new Map(
    repositories.map(({ name, kind, of, bytes }) => {
      const folder = join(directory, "repositories", name);
      const weights = Object.keys(digests.get(name)).map((path) => [
        path,
        { file: join(folder, path), sha256: digests.get(of ?? name)[path] },
      ]);
      const other = bytes > 0 ? { "config.json": "{}" } : { "README.md": `# ${name}\n` };
      return [
        `bench/${name}`,
        { files: { ...Object.fromEntries(weights), ...other }, gated: kind === "gated" && "manual" },
      ];
    }),
  );
}

function largeOnes(models) {
  return new Map(models.map(({ id, layout, shards }) => [id, { files: largeModel(id, layout, shards).files }]));
}

process.on("message", async (message) => {
  if (message.ask === "counters") {
    const { user, system } = process.cpuUsage();
    return process.send({ ...hub.counters, cpuSeconds: (user + system) / 1e6 });
  }
  const repositories = message.directory === undefined ? largeOnes(message.large) : smallOnes(message.directory);
  hub = await startHub({ repositories, latencyMs: message.latencyMs ?? 0 });
  await hub.prepare();
  process.send({ endpoint: hub.endpoint });
});
let hub = null;
