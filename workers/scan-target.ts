import { workerData } from "node:worker_threads";
import type { ScanSetup } from "../src/scan/setup.ts";
import type { ScanTarget } from "../src/scan/target.ts";
import { type ScanReply, threadWork } from "../src/scan/workers.ts";

const work = threadWork(workerData as ScanSetup);

/** Entry point of a worker thread: one target of a scan, several at a time. */
export default function run(target: ScanTarget): Promise<ScanReply> {
  return work(target);
}
