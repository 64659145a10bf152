/**
 * A worker as a process of its own, with settings that no command line has: node worker-child.mjs JSON. Tells its events on
 * stdout, one JSON object a line; SIGTERM drains.
 */
import { remoteSettings } from "../../dist/src/index.js";
import { runWorker } from "../../dist/src/scan/index.js";

const { database, registry, version, drainMs = 10_000, leaseSeconds = 30, threads = 0 } = JSON.parse(process.argv[2]);
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
await runWorker({
  database,
  settings: {
    version,
    registry,
    keys: null,
    cacheDirectory: null,
    remote: remoteSettings({}, { offline: true }),
    threads,
    tasksPerThread: 3,
  },
  metrics: { host: "127.0.0.1", port: 0 },
  drainMs,
  once: false,
  signal: stop.signal,
  onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  queue: { leaseSeconds, retryDelaySeconds: 0 },
  pollMs: 50,
});
