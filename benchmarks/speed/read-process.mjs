/**
 * Plain reading: node read-process.mjs THREADS FILE...
 *
 * Every thread reads its share of every file by 1 MiB into one buffer and does nothing with it. Prints {bytes, seconds,
 * cpuSeconds}; times begin when all threads are ready.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const PIECE = 1 << 20;

if (isMainThread) await main(Number(process.argv[2]), process.argv.slice(3));
else parentPort.on("message", ({ files, part, parts }) => parentPort.postMessage(readShare(files, part, parts)));

async function main(threads, files) {
  const workers = Array.from({ length: threads }, () => new Worker(new URL(import.meta.url)));
  // An empty share: the answer says that the thread is up.
  await Promise.all(workers.map((worker) => ask(worker, { files: [], part: 0, parts: 1 })));
  const start = performance.now();
  const cpu = process.cpuUsage();
  const read = await Promise.all(workers.map((worker, part) => ask(worker, { files, part, parts: threads })));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const bytes = read.reduce((a, b) => a + b, 0);
  process.stdout.write(JSON.stringify({ bytes, seconds, cpuSeconds: (user + system) / 1e6 }));
  await Promise.all(workers.map((worker) => worker.terminate()));
}

function ask(worker, message) {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.postMessage(message);
  });
}

function readShare(files, part, parts) {
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  let bytes = 0;
  for (const file of files) {
    const { size } = statSync(file);
    const end = Math.floor((size * (part + 1)) / parts);
    const fd = openSync(file, "r");
    for (let at = Math.floor((size * part) / parts); at < end; ) {
      const count = readSync(fd, buffer, 0, Math.min(PIECE, end - at), at);
      if (count === 0) break;
      at += count;
      bytes += count;
    }
    closeSync(fd);
  }
  return bytes;
}
