/**
 * One verification or one embedding in a process of its own:
 *
 *   node watermark-process.mjs verify MODEL THREADS
 *   node watermark-process.mjs embed MODEL THREADS OUT PAYLOAD
 *
 * Prints {bytes, seconds, cpuSeconds}: bytes of the model's tensors; times begin when the library is loaded, and
 * processor time is that of all threads.
 */
import { performance } from "node:perf_hooks";
import { openCheckpoint } from "../../dist/src/index.js";
import { embedWatermark } from "../../dist/src/watermark/embed.js";
import { modelKey } from "../../dist/src/watermark/key/model-key.js";
import { parsePayload } from "../../dist/src/watermark/message/payload.js";
import { verifyWatermark } from "../../dist/src/watermark/verify.js";

const [action, model, threads, directory, payload] = process.argv.slice(2);
const key = modelKey(Buffer.alloc(32, "speed"), "speed");
const start = performance.now();
const cpu = process.cpuUsage();
const checkpoint = await openCheckpoint(model);
const bytes = [...checkpoint.tensors.values()].reduce((sum, { end, begin }) => sum + (end - begin), 0);
if (action === "embed") {
  await embedWatermark(checkpoint, {
    key,
    payload: parsePayload(payload),
    directory,
    threads: Number(threads),
    publicBases: null,
  });
} else {
  await verifyWatermark(checkpoint, { key, threads: Number(threads) });
}
await checkpoint.close();
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(JSON.stringify({ bytes, seconds, cpuSeconds: (user + system) / 1e6 }));
