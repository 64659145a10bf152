export { type AdapterKind, type AdapterSummary, adapterSummary } from "./anatomy/adapter.ts";
export type { Anatomy, CanonicalTensor, Gain, Role } from "./anatomy/anatomy.ts";
export { describeAnatomy } from "./anatomy/describe.ts";
export { writeFileAtomic } from "./bytes/atomic-file.ts";
export { type ByteBudget, byteBudget } from "./bytes/byte-budget.ts";
export type { ByteSource, SyncByteSource } from "./bytes/byte-source.ts";
export { openFileSource } from "./bytes/file-source.ts";
export { proxiesOf } from "./bytes/http/proxies.ts";
export { gateWaitMs, hostGate } from "./bytes/http/shared-gate.ts";
export { fsPath, pathText } from "./bytes/path-text.ts";
export { adapterBase } from "./checkpoint/adapter-config.ts";
export type { Checkpoint, CheckpointFile, CheckpointTensor } from "./checkpoint/checkpoint.ts";
export { listOrganisation } from "./checkpoint/hub/list-organisation.ts";
export type { HubFile, HubListing, HubRepository } from "./checkpoint/hub/repository.ts";
export { resolveRepository } from "./checkpoint/hub/resolve-repository.ts";
export { readTokenFile } from "./checkpoint/hub/token.ts";
export { isRemoteLocation } from "./checkpoint/location.ts";
export { type OpenOptions, openCheckpoint } from "./checkpoint/open-checkpoint.ts";
export type { Remote } from "./checkpoint/remote.ts";
export {
  openRemote,
  type RemoteOverrides,
  type RemoteSettings,
  remoteSettings,
} from "./checkpoint/remote-environment.ts";
export { ERRORS, type ErrorCode, type ErrorDetail, WeightmarkError } from "./errors.ts";
export { type FingerprintOptions, fingerprintCheckpoint as fingerprint } from "./fingerprint/extract.ts";
export {
  isFingerprintHeader,
  MAX_FINGERPRINT_BYTES,
  parseFingerprint,
  serializeFingerprint,
} from "./fingerprint/file.ts";
export type { Depth, Fingerprint, Sketch, Slice, TensorRecord } from "./fingerprint/fingerprint.ts";
export { type HealthOptions, type HealthReading, type TensorHealth, tensorHealth } from "./fingerprint/health.ts";
export { readSafetensorsHeader } from "./formats/safetensors/header.ts";
export { serializeSafetensors, writeSafetensors } from "./formats/safetensors/writer.ts";
export type { CandidateSource, RankedBase } from "./lineage/candidate-source.ts";
export { type CompareOptions, compareSubjects as compare } from "./lineage/compare.ts";
export { damageOf } from "./lineage/damage.ts";
export { type IdentifyOptions, identifySubject as identify } from "./lineage/identify.ts";
export { namedComponent } from "./lineage/named-component.ts";
export type { Part } from "./lineage/part.ts";
export type * from "./lineage/result.ts";
export type { Subject } from "./lineage/subject.ts";
export { type MatrixOutline, outlinesOf, type TestablePart, testableParts } from "./lineage/testable.ts";
export { engines } from "./numerics/engines.ts";
export { compareQuality, type QualityOptions } from "./quality/compare-quality.ts";
export type { EngineName, QualityResult } from "./quality/result.ts";
export { readText, readTokenIds } from "./quality/token-file.ts";
export { type Tokenized, tokenize } from "./quality/tokenizer.ts";
export type { Tokens } from "./quality/windows.ts";
export { digestOf } from "./registry/digest.ts";
export { openRegistry, type RegistryOptions } from "./registry/file-registry.ts";
export { defaultRegistryDirectory } from "./registry/location.ts";
export {
  type OpenedCandidates,
  type OpenedRegistry,
  openAnyCandidates,
  openAnyRegistry,
} from "./registry/open-registry.ts";
export type { DatabaseOptions } from "./registry/postgres/connect.ts";
export { isDatabaseUrl, redactUrl } from "./registry/postgres/connection-url.ts";
export type { AddOptions, AddOutcome, Registry, RegistryEntry, RegistryProblem } from "./registry/registry.ts";
export { type FoundPart, findSharedParts, type SharedParts } from "./registry/shared-parts.ts";
export * from "./report/build.ts";
export { escapeText, toJson } from "./report/escape.ts";
export { manifestRoot } from "./report/manifest-root.ts";
export type * from "./report/schemas/index.ts";
export { renderText } from "./report/text/render-text.ts";
export { enumerateTargets } from "./scan/enumerate.ts";
export { describeInputs, type EnumerateOptions, isItem, type ScanInputs } from "./scan/inputs.ts";
export type * from "./scan/item.ts";
export type { JobCounts, JobQueue, ScanJob, TakenJob } from "./scan/job-queue.ts";
export { type JournalOptions, openJournal } from "./scan/journal/journal-store.ts";
export { MemoryQueue } from "./scan/memory-queue.ts";
export type { WorkerSettings } from "./scan/operations/offered-scans.ts";
export { runWorker, type WorkerOptions } from "./scan/operations/run-worker.ts";
export type { WorkerEvent } from "./scan/operations/worker-event.ts";
export type { ScanParameters } from "./scan/parameters.ts";
export { defaultCacheDirectory, defaultJournalPath } from "./scan/places.ts";
export type { JobQueueOptions, PostgresJobQueue } from "./scan/postgres/job-queue.ts";
export { openScanDatabase } from "./scan/postgres/open-database.ts";
export type { PostgresResultStore } from "./scan/postgres/result-store.ts";
export type { ScanDatabase, ScanMode } from "./scan/postgres/scan-database.ts";
export { prepareScan, type ScanPlan, type ScanSettings } from "./scan/prepare.ts";
export type { ResultStore } from "./scan/result-store.ts";
export { type ScanOptions, type ScanProgress, scan } from "./scan/scan.ts";
export { openScanList, type ScanList } from "./scan/scan-list.ts";
export type { ScanSetup } from "./scan/setup.ts";
export { type SharedScanOptions, sharedScan } from "./scan/shared-scan.ts";
export type { ScanReason, ScanSummary } from "./scan/summary.ts";
export type { ScanTarget } from "./scan/target.ts";
export { type WorkEvent, type WorkLoopOptions, workLoop } from "./scan/work-loop.ts";
export { openWorkers, type Workers, type WorkersOptions } from "./scan/workers.ts";
export { type CapacityOptions, watermarkCapacity } from "./watermark/capacity.ts";
export { embedWatermark } from "./watermark/embed.ts";
export type { EmbedOptions } from "./watermark/embed-options.ts";
export {
  describeKeyFile,
  generateKeyFile,
  type KeyDescription,
  type NewKeyOptions,
  readKeyFile,
  resealKeyFile,
  rotateKeyFile,
} from "./watermark/key/key-file.ts";
export { type ModelKey, modelKey } from "./watermark/key/model-key.ts";
export { exposedKey, exposedPassphrase } from "./watermark/key/secret-file.ts";
export { type Payload, parsePayload } from "./watermark/message/payload.ts";
export type * from "./watermark/result.ts";
export { type VerifyOptions, verifyWatermark } from "./watermark/verify.ts";
