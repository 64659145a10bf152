import { type ByteBudget, byteBudget } from "../bytes/byte-budget.ts";
import { adapterAndBase } from "../checkpoint/adapter/pair-location.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isRemoteLocation, reachesFar } from "../checkpoint/location.ts";
import { openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import type { Remote } from "../checkpoint/remote.ts";
import { takeFingerprint } from "../deep/deep-fingerprint.ts";
import { WeightmarkError } from "../errors.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { CandidateSource } from "../lineage/candidate-source.ts";
import { damageOf } from "../lineage/damage.ts";
import { identifySubject } from "../lineage/identify.ts";
import type { Candidate, IdentifyResult } from "../lineage/result.ts";
import { machineLimit } from "../machine-limit.ts";
import { checkMarks } from "./check-marks.ts";
import type { ScanContext } from "./context.ts";
import { emptyItem, failedItem } from "./failure.ts";
import type { ScanItem, ScanMark, ScanMatch } from "./item.ts";
import { isAsListed } from "./local-targets.ts";
import type { ScanSetup } from "./setup.ts";
import type { ScanTarget } from "./target.ts";

const MAX_MATCHES = 3;
const NO_REQUESTS = { api: 0, resolve: 0, storage: 0, bytes: 0 };

/** What one target may use, and what it has used. */
interface Access {
  readonly budget: ByteBudget;
  readonly signal: AbortSignal;
  /** With a client that counts for this target alone; set when it is needed. */
  remote: Remote | undefined;
}

/** What was found out about the weights of a target, before they are held against anything. */
interface Reading {
  readonly fingerprint: Fingerprint;
  readonly marks: readonly ScanMark[];
  readonly cached: boolean;
}

/**
 * Works on one target: fingerprint, registry, watermark keys. Whatever goes wrong with the target is told in its item,
 * within the bytes and the time that the setup allows for one.
 *
 * @param signal ends the work at once; its item is a failure nobody should store
 */
export async function scanTarget(target: ScanTarget, context: ScanContext, signal: AbortSignal): Promise<ScanItem> {
  const { deterministic, maxBytes, timeout } = context.setup;
  const began = performance.now();
  const limit = timeout === null ? null : AbortSignal.timeout(Math.ceil(1000 * timeout));
  const signals = limit === null ? signal : AbortSignal.any([signal, limit]);
  const access: Access = { budget: byteBudget(maxBytes ?? undefined), signal: signals, remote: undefined };
  const item = await answer(target, context, access).catch((error: unknown) => {
    if (limit?.aborted === true && !signal.aborted) return failedItem(target, timedOut(target, timeout!, error));
    const isBug = !(error instanceof WeightmarkError) && machineLimit(error) === null;
    if (isBug && !signals.aborted) context.tell(bug(target, error));
    return failedItem(target, error);
  });
  const { api, resolve, storage, bytes } = access.remote?.client.counters ?? NO_REQUESTS;
  if (item.failure !== null && !item.cached && !signal.aborted && (await isOfListed(target, context.setup))) {
    await context.cache?.storeFailure(target, item.failure);
  }
  return {
    ...item,
    // What came over the network, gaps between ranges and repeated tries included; of local files what was read.
    bytesRead: bytes > 0 ? bytes : access.budget.spent,
    requests: { api, resolve, storage },
    elapsedMs: deterministic ? null : Math.round(performance.now() - began),
    finishedAt: deterministic ? null : new Date().toISOString(),
  };
}

async function answer(target: ScanTarget, context: ScanContext, access: Access): Promise<ScanItem> {
  const known = (await context.cache?.find(target)) ?? null;
  if (known !== null && "failure" in known) {
    const skipped = failedItem(target, new WeightmarkError(known.failure.code, ""));
    return { ...skipped, failure: known.failure, cached: true };
  }
  const reading = await read(target, context, known?.fingerprint ?? null, access);
  const { fingerprint, marks, cached } = reading;
  access.signal.throwIfAborted();
  const { registry } = context;
  const found = registry === null ? null : await identified(target, context, access, fingerprint, registry);
  // Nobody reads an item's caveats before its verdict is counted: what is no proof counts as none, and is told.
  const isProof = found?.candidates[0]?.comparison.deep?.basis !== "calibrated";
  const proven = (found?.candidates ?? []).filter(({ comparison }) => comparison.deep?.basis !== "calibrated");
  return {
    ...emptyItem(target),
    verdict: isProof ? (found?.verdict ?? null) : "no-evidence",
    summary: found?.summary ?? null,
    matches: matchesOf(proven),
    caveats: found?.caveats ?? damageOf(target.name, fingerprint),
    marks,
    sampledRoot: fingerprint.roots.sampled,
    family: fingerprint.family,
    parameters: fingerprint.parameters,
    cached,
    bytesTotal: fingerprint.bytesTotal,
  };
}

/** The fingerprint, from the cache where it is known; the weights are opened for it, or for marks. */
async function read(
  target: ScanTarget,
  context: ScanContext,
  known: Fingerprint | null,
  access: Access,
): Promise<Reading> {
  const { setup, keys, cache } = context;
  const { signal } = access;
  if (known !== null && keys.length === 0) return { fingerprint: known, marks: [], cached: true };
  const checkpoint = await open(target, context, access, keys.length > 0 || setup.depth === "full");
  try {
    const fingerprint =
      known ??
      (await takeFingerprint(checkpoint, {
        depth: setup.depth,
        threads: 0,
        few: reachesFar(target.location),
        signal,
      }));
    await requireAsListed(target, fingerprint, setup);
    if (known === null) await cache?.storeFingerprint(target, fingerprint);
    return { fingerprint, marks: await checkMarks(checkpoint, keys, signal), cached: known !== null };
  } finally {
    await checkpoint.close();
  }
}

/** Without config.json: it decides nothing, and its notes would tell the first reading from one out of the cache. */
async function open(target: ScanTarget, context: ScanContext, access: Access, readAhead: boolean): Promise<Checkpoint> {
  return openCheckpoint(target.location, {
    budget: access.budget,
    config: false,
    remote: reachesFar(target.location) ? await reach(context, access) : undefined,
    repository: target.repository ?? undefined,
    allowLinks: context.setup.allowLinks,
    readAhead,
  });
}

/** By the fingerprint alone, but for LoRA adapters, of which that says nothing: their few weights are opened again. */
async function identified(
  target: ScanTarget,
  context: ScanContext,
  access: Access,
  fingerprint: Fingerprint,
  registry: CandidateSource,
): Promise<IdentifyResult> {
  const { signal } = access;
  const givenBase = adapterAndBase(target.location)?.base;
  const subject = { name: target.name, fingerprint, checkpoint: null, root: false, givenBase };
  const { adapter } = fingerprint;
  if (adapter === null || adapter.tensors < adapter.ofTensors) return identifySubject(subject, registry, { signal });
  const checkpoint = await open(target, context, access, false);
  try {
    await requireAsListed(target, fingerprint, context.setup);
    return await identifySubject({ ...subject, checkpoint }, registry, { signal });
  } finally {
    await checkpoint.close();
  }
}

/** Whether what is at a target is still what was listed: of another machine's files it cannot be told. */
async function isOfListed(target: ScanTarget, { listedHere, remote, allowLinks }: ScanSetup): Promise<boolean> {
  if (!listedHere || isRemoteLocation(target.location)) return true;
  return isAsListed(target, { hubCache: remote.hubCache, allowLinks });
}

/**
 * What was read answers for all that was listed with the same digest: weights that were replaced in between would give
 * their verdict to models that are the old ones. A worker's path may lead to others from the beginning.
 */
async function requireAsListed(target: ScanTarget, fingerprint: Fingerprint, setup: ScanSetup): Promise<void> {
  const isSameSize = target.bytes === null || target.bytes === fingerprint.bytesTotal;
  if (isSameSize && (await isOfListed(target, setup))) return;
  throw new WeightmarkError("CHANGED_DURING_READ", "the weights are not those that were listed here", {
    file: target.location,
    detail: "They were replaced since, or lie elsewhere on this machine. Try again with `resume`.",
  });
}

async function reach(context: ScanContext, access: Access): Promise<Remote> {
  // What is opened again counts on.
  if (access.remote !== undefined) return access.remote;
  const remote = await context.remote();
  access.remote = { ...remote, client: remote.client.scope(access.signal) };
  return access.remote;
}

/** The bases that tell something, best first; how many stayed silent is in the caveats. */
function matchesOf(candidates: readonly Candidate[]): ScanMatch[] {
  const telling = candidates.filter(({ verdict }) => verdict !== "no-evidence" && verdict !== "not-testable");
  return telling.slice(0, MAX_MATCHES).map(({ comparison, ...candidate }) => {
    const { name, verdict, direction, relations, log10P, matchedLayers } = candidate;
    return { name, verdict, direction, relations, log10P, matchedLayers, claim: comparison.claim };
  });
}

/** An item has no room for where in the program it happened, which the one who mends it has to know. */
function bug(target: ScanTarget, cause: unknown): WeightmarkError {
  const stack = cause instanceof Error ? cause.stack : undefined;
  return new WeightmarkError("INTERNAL", String(cause), { file: target.location, detail: stack, cause });
}

function timedOut(target: ScanTarget, seconds: number, cause: unknown): WeightmarkError {
  if (cause instanceof WeightmarkError && cause.code === "TIMED_OUT") return cause;
  return new WeightmarkError("TIMED_OUT", `not done within ${seconds} seconds`, {
    file: target.location,
    detail: "Raise `timeout`.",
    cause,
  });
}
