import { VERDICT_ORDER } from "../../lineage/result.ts";
import { caveatsOf, type ScanItem, type ScanRequests } from "../../scan/item.ts";
import type { ScanParameters } from "../../scan/parameters.ts";
import type { ScanSummary } from "../../scan/summary.ts";
import type { ScanTarget } from "../../scan/target.ts";
import { type RunInfo, wrap } from "../envelope.ts";
import type { ScanItemReport, ScanSummaryReport, ScanTargetReport } from "../schemas/index.ts";

/** One item as it is printed. What it cost is left out where the run leaves out times: a cache changes it, not the answer. */
export function scanItemReport(run: RunInfo, item: ScanItem): ScanItemReport {
  const { failure, matches, marks, parameters, bytesTotal } = item;
  const times = { version: run.version, startedAt: null, finishedAt: run.startedAt === null ? null : item.finishedAt };
  return wrap<ScanItemReport>("weightmark/scan-item@1", times, {
    id: item.id,
    name: item.name,
    location: item.location,
    revision: item.revision,
    status: item.status,
    duplicateOf: item.duplicateOf,
    failure: failure === null ? null : { ...failure },
    verdict: item.verdict,
    summary: item.summary,
    matches: matches.map((match) => ({ ...match, relations: [...match.relations] })),
    caveats: caveatsOf(item),
    marks: marks.map((mark) => ({ ...mark })),
    content: item.content,
    sampledRoot: item.sampledRoot,
    family: item.family,
    parameters: parameters === null ? null : String(parameters),
    bytesTotal: bytesTotal === null ? null : String(bytesTotal),
    ...(run.startedAt === null ? {} : { work: itemWork(item) }),
  });
}

function itemWork({ cached, bytesRead, requests, elapsedMs }: ScanItem): NonNullable<ScanItemReport["work"]> {
  return { cached, bytesRead: String(bytesRead), requests: { ...requests }, elapsedMs };
}

/** A model that would be scanned. */
export function scanTargetReport(run: RunInfo, target: ScanTarget): ScanTargetReport {
  const { id, name, location, revision, content, bytes } = target;
  const about = { id, name, location, revision, content, bytes: bytes === null ? null : String(bytes) };
  return wrap<ScanTargetReport>("weightmark/scan-target@1", { ...run, startedAt: null, finishedAt: null }, about);
}

/** What a scan was asked, for its summary: its parameters, and where the registry lies. */
export interface ScanQuestion {
  readonly parameters: ScanParameters;
  /** A directory, or a database URL without its password; null without a registry. */
  readonly registry: string | null;
  /** Requests that were sent to find the models. */
  readonly listing: ScanRequests;
}

export function scanSummaryReport(
  run: RunInfo,
  question: ScanQuestion,
  summary: ScanSummary,
  exitCode: number,
): ScanSummaryReport {
  const { inputs, include, exclude, allowLinks, depth, registry, keys, maxBytes, timeout } = question.parameters;
  return wrap<ScanSummaryReport>("weightmark/scan-summary@1", run, {
    inputs: [...inputs],
    include: [...include],
    exclude: [...exclude],
    ...(allowLinks === undefined ? {} : { allowLinks: [...allowLinks] }),
    depth,
    registry:
      registry === null || question.registry === null ? null : { location: question.registry, digest: registry },
    keys: [...keys],
    maxBytes: maxBytes === null ? null : String(maxBytes),
    timeout,
    complete: summary.complete,
    interrupted: summary.interrupted,
    exitCode,
    listed: summary.listed,
    done: summary.read + summary.cached,
    duplicates: summary.duplicates,
    skipped: summary.skipped,
    failed: summary.failed,
    verdicts: VERDICT_ORDER.map((verdict) => ({ verdict, count: summary.verdicts[verdict] })),
    marked: summary.marked,
    reasons: summary.reasons.map(({ status, code, passing, count }) => ({ status, code, passing, count })),
    bytesTotal: String(summary.bytesTotal),
    ...(run.startedAt === null ? {} : { work: summaryWork(summary, question.listing) }),
  });
}

function summaryWork(summary: ScanSummary, listing: ScanRequests): NonNullable<ScanSummaryReport["work"]> {
  const { replayed, read, cached, bytesRead, requests, elapsedMs } = summary;
  const { api, resolve, storage } = listing;
  const sent = { requests: { ...requests }, listing: { api, resolve, storage } };
  return { replayed, read, cached, bytesRead: String(bytesRead), ...sent, elapsedMs };
}
