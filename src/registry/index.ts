/// <reference lib="esnext.disposable" preserve="true" />
/** Stored fingerprints: directories and PostgreSQL. */
export type { Part } from "../lineage/part.ts";
export { openRegistry, type RegistryOptions } from "./file-registry.ts";
export { defaultRegistryDirectory } from "./location.ts";
export {
  type OpenedCandidates,
  type OpenedRegistry,
  openAnyCandidates,
  openAnyRegistry,
} from "./open-registry.ts";
export type { DatabaseOptions } from "./postgres/connect.ts";
export { isDatabaseUrl, redactUrl } from "./postgres/connection-url.ts";
export type {
  AddOptions,
  AddOutcome,
  ImportOptions,
  Registry,
  RegistryEntry,
  RegistryProblem,
  WorkOptions,
} from "./registry.ts";
export { type FoundPart, findSharedParts, type SharedParts } from "./shared-parts.ts";
export { readSignedFingerprint } from "./signed-fingerprint.ts";
