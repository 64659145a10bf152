import { type ErrorCode, WeightmarkError } from "../errors.ts";

/** Codes of what could not be got at, or not by this tool here: they say nothing of what lies there. */
const NOT_REACHED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "FILE_NOT_FOUND",
  "FILE_UNREADABLE",
  "PATH_ESCAPES_ROOT",
  "OFFLINE",
  "BYTE_BUDGET_EXCEEDED",
  "CHANGED_DURING_READ",
  "NODE_RESTRICTED",
  "ENGINE_UNAVAILABLE",
  "REGISTRY_LOCKED",
  "REGISTRY_VERSION",
  "FINGERPRINT_VERSION",
  "CASE_LIMIT",
]);
const OF_A_SERVER = /^(?:HTTP|HUB|DATABASE)_/;

/** Whether something was refused for what it is: it was reached and read, and is not what it should be. */
export function isOfContent(error: unknown): error is WeightmarkError {
  if (!(error instanceof WeightmarkError) || error.kind !== "refused") return false;
  return !NOT_REACHED.has(error.code) && !OF_A_SERVER.test(error.code);
}
