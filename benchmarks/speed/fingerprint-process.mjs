/**
 * One fingerprint in a process of its own: node fingerprint-process.mjs MODEL sampled|full THREADS
 *
 * Prints {seconds, bytesRead, bytesTotal}; the seconds begin when the library is loaded.
 */
import { performance } from "node:perf_hooks";
import { fingerprintCheckpoint, openCheckpoint, serializeFingerprint } from "../../dist/src/index.js";

const [model, depth, threads] = process.argv.slice(2);
const start = performance.now();
const checkpoint = await openCheckpoint(model);
const fingerprint = await fingerprintCheckpoint(checkpoint, { depth, threads: Number(threads) });
const bytes = serializeFingerprint(fingerprint).length;
await checkpoint.close();
const { bytesRead, bytesTotal } = fingerprint;
const seconds = (performance.now() - start) / 1000;
process.stdout.write(JSON.stringify({ seconds, bytesRead, bytesTotal, fingerprintBytes: bytes }));
