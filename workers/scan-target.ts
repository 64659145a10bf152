import { workerData } from "node:worker_threads";
import type { ScanSetup } from "../src/scan/setup.ts";
import { threadWork } from "../src/scan/workers.ts";
import { answering } from "../src/threads/reply.ts";

/** Work of a thread: one target of a scan, several at a time. */
export default answering(threadWork(workerData as ScanSetup));
