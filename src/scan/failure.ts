import { basename } from "node:path";
import { type ErrorCode, WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
import type { ScanFailure, ScanItem } from "./item.ts";
import type { ScanTarget } from "./target.ts";

/** Nothing that could be read is here; nothing is wrong either. */
const SKIPPED: ReadonlySet<ErrorCode> = new Set(["NO_WEIGHTS", "UNSUPPORTED_CONTAINER", "AMBIGUOUS_CHECKPOINT"]);

/** Of the machine, of its network, or of what lies beside the models: another time the same model may be read. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "WRITE_FAILED",
  "NODE_RESTRICTED",
  "ENGINE_UNAVAILABLE",
  "PROXY_INVALID",
  "CHANGED_DURING_READ",
  "REGISTRY_ENTRY_MISSING",
  "REGISTRY_ENTRY_POISONED",
  "REGISTRY_NOT_FOUND",
  "REGISTRY_LOCKED",
  "DATABASE_REFUSED",
]);

/** What an operating system says when it is the machine that failed. */
const PASSING_CAUSES = new Set(["EIO", "ESTALE", "EBUSY", "ETIMEDOUT", "EAGAIN"]);

/** Errors quote names, and names are as long as their publisher likes. */
const MAX_TEXT = 1000;

const BUG = "This is a bug in weightmark: please report it with the model it came up with.";

function isPassing(error: WeightmarkError): boolean {
  if (error.kind === "passing" || PASSING.has(error.code)) return true;
  const cause = (error.cause as NodeJS.ErrnoException | undefined)?.code;
  return error.code === "FILE_UNREADABLE" && cause !== undefined && PASSING_CAUSES.has(cause);
}

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}

/** The file and the tensor that an error is about, where they say more than the target's own name. */
function whereOf({ file, tensor }: WeightmarkError, location: string): string {
  const name = file === undefined || file === location ? null : basename(file);
  const parts = [name === basename(location) ? null : name, tensor === undefined ? null : `tensor ${tensor}`];
  return parts.filter((part) => part !== null).join(", ");
}

/** Why there is no result. What is no `WeightmarkError` is a bug of ours, unless it is the machine that does not allow it. */
export function failureFrom(cause: unknown, location: string): ScanFailure {
  const error = machineLimit(cause) ?? cause;
  if (error instanceof WeightmarkError) {
    const where = whereOf(error, location);
    const message = shortened(where === "" ? error.message : `${where}: ${error.message}`);
    return { code: error.code, message, detail: error.detail, passing: isPassing(error) };
  }
  const message = shortened(error instanceof Error ? error.message : String(error));
  return { code: "INTERNAL", message, detail: BUG, passing: false };
}

/** A result of a target that says nothing but what its target is. */
export function emptyItem(target: ScanTarget): ScanItem {
  const { id, name, location, revision, content, identity, bytes, notes } = target;
  return {
    id,
    name,
    location,
    revision,
    content,
    ...(identity === null ? {} : { identity }),
    ...(notes === undefined ? {} : { notes }),
    status: "done",
    duplicateOf: null,
    failure: null,
    verdict: null,
    summary: null,
    matches: [],
    caveats: [],
    marks: [],
    sampledRoot: null,
    family: null,
    parameters: null,
    cached: false,
    bytesRead: 0,
    bytesTotal: bytes,
    requests: { api: 0, resolve: 0, storage: 0 },
    elapsedMs: null,
    finishedAt: null,
  };
}

/** The result of a target that could not be read. */
export function failedItem(target: ScanTarget, error: unknown): ScanItem {
  const failure = failureFrom(error, target.location);
  return { ...emptyItem(target), status: SKIPPED.has(failure.code) ? "skipped" : "failed", failure };
}
