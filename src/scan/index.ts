/// <reference lib="esnext.disposable" preserve="true" />
/** Many models: what to scan, scans on threads of this machine and on workers that share a database, their results. */
export { enumerateTargets } from "./enumerate.ts";
export { type EnumerateOptions, isItem, type ScanInputs } from "./inputs.ts";
export type { ScanFailure, ScanItem, ScanMark, ScanMatch, ScanRequests } from "./item.ts";
export type { JobCounts, JobQueue, ScanJob, TakenJob } from "./job-queue.ts";
export { type JournalOptions, openJournal } from "./journal/journal-store.ts";
export type { WorkerSettings } from "./operations/offered-scans.ts";
export { runWorker, type WorkerOptions } from "./operations/run-worker.ts";
export type { WorkerEvent } from "./operations/worker-event.ts";
export type { ScanParameters } from "./parameters.ts";
export { defaultCacheDirectory, defaultJournalPath } from "./places.ts";
export { openScanDatabase } from "./postgres/open-database.ts";
export type { ScanDatabase, ScanMode } from "./postgres/scan-database.ts";
export { prepareScan, type ScanPlan, type ScanSettings } from "./prepare.ts";
export type { ResultStore } from "./result-store.ts";
export type { RunOptions, ScanProgress } from "./run.ts";
export { type ScanOptions, scan } from "./scan.ts";
export { openScanList, type ScanList } from "./scan-list.ts";
export type { ScanSetup } from "./setup.ts";
export { type SharedScanOptions, sharedScan } from "./shared-scan.ts";
export type { ScanReason, ScanSummary } from "./summary.ts";
export type { ScanTarget } from "./target.ts";
export type { WorkEvent } from "./work-loop.ts";
