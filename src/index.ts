/// <reference lib="esnext.disposable" preserve="true" />
/** Telling where weights come from. Registries, scans, watermarks, qualities and reports have subpaths of their own. */
export { type ByteBudget, byteBudget } from "./bytes/byte-budget.ts";
export type { ByteSource } from "./bytes/byte-source.ts";
export type { Checkpoint, CheckpointFile, CheckpointTensor, OpenedCheckpoint } from "./checkpoint/checkpoint.ts";
export { type OpenOptions, openCheckpoint } from "./checkpoint/open-checkpoint.ts";
export type { Remote } from "./checkpoint/remote.ts";
export {
  openRemote,
  type RemoteOverrides,
  type RemoteSettings,
  remoteSettings,
} from "./checkpoint/remote-environment.ts";
export {
  type DeepFingerprintOptions as FingerprintOptions,
  takeFingerprint as fingerprint,
} from "./deep/deep-fingerprint.ts";
export { ERRORS, type ErrorCode, type ErrorDetail, type ErrorKind, WeightmarkError } from "./errors.ts";
export type { DeepPart } from "./fingerprint/deep-part.ts";
export { parseFingerprint, serializeFingerprint } from "./fingerprint/file.ts";
export type { Depth, Fingerprint, MatrixSketch, ReadingDepth, Slice, TensorRecord } from "./fingerprint/fingerprint.ts";
export type { CandidateSource, RankedBase } from "./lineage/candidate-source.ts";
export { type CompareOptions, compareSubjects as compare } from "./lineage/compare.ts";
export { type IdentifyOptions, identifySubject as identify } from "./lineage/identify.ts";
export { type OpenedSubject, openSubject, type SubjectOptions } from "./lineage/open-subject.ts";
export type {
  Candidate,
  CompareResult,
  ComponentVerdict,
  Difference,
  Direction,
  IdentifyResult,
  LayerMatch,
  LearnedRetention,
  Relation,
  TestResult,
  Verdict,
} from "./lineage/result.ts";
export type { Subject } from "./lineage/subject.ts";
