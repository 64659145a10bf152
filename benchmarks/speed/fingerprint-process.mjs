/**
 * One fingerprint in a process of its own: node fingerprint-process.mjs MODEL sampled|full THREADS
 *
 * Prints {seconds, cpuSeconds, bytesRead, bytesTotal, fingerprintBytes}; times begin when the library is loaded, and
 * processor time is that of all threads.
 */
import { performance } from "node:perf_hooks";
import { fingerprint as fingerprintCheckpoint, openCheckpoint, serializeFingerprint } from "../../dist/src/index.js";

const [model, depth, threads] = process.argv.slice(2);
const start = performance.now();
const cpu = process.cpuUsage();
const checkpoint = await openCheckpoint(model);
const fingerprint = await fingerprintCheckpoint(checkpoint, { depth, threads: Number(threads) });
const bytes = serializeFingerprint(fingerprint).length;
await checkpoint.close();
const { bytesRead, bytesTotal } = fingerprint;
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const cpuSeconds = (user + system) / 1e6;
process.stdout.write(JSON.stringify({ seconds, cpuSeconds, bytesRead, bytesTotal, fingerprintBytes: bytes }));
