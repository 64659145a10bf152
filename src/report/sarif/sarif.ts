import type { ScanFailure, ScanItem } from "../../scan/item.ts";
import { escapeText, toJson } from "../escape.ts";
import { jsonArray, type ScanExport } from "../scan/export.ts";
import type { ArtifactBase } from "../scan/location-uri.ts";
import { exactLocation, itemLocation, messageText, resultsOf } from "./result.ts";
import { type NotificationId, notificationDescriptors, notificationIndex, ruleDescriptors } from "./rules.ts";

/**
 * The scan as SARIF 2.1.0 (OASIS), in pieces. Only what accuses is a result; models that were not read are notifications of
 * the invocation, and what was covered stands in the properties of the run: an absent result is no finding of innocence.
 */
export async function* sarifLog(scan: ScanExport): AsyncGenerator<string> {
  const { run, summary } = scan;
  const driver = {
    name: "weightmark",
    version: run.version,
    semanticVersion: run.version,
    rules: ruleDescriptors(),
    notifications: notificationDescriptors(),
  };
  yield `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{\n`;
  yield `"tool":${toJson({ driver }, 0)},\n"results":`;
  yield* jsonArray(results(scan));
  yield `,\n"invocations":[{"executionSuccessful":${summary.exitCode <= 4},"exitCode":${summary.exitCode},`;
  if (run.startedAt !== null) yield `"startTimeUtc":${toJson(run.startedAt, 0)},`;
  if (run.finishedAt !== null) yield `"endTimeUtc":${toJson(run.finishedAt, 0)},`;
  yield `"toolExecutionNotifications":`;
  yield* jsonArray(notifications(scan));
  yield `}],\n"columnKind":"utf16CodeUnits","language":"en-US","properties":${toJson(coverage(scan), 0)}}]}\n`;
}

async function* results(scan: ScanExport): AsyncGenerator<object> {
  for await (const item of scan.items()) yield* resultsOf(item, scan);
}

async function* notifications(scan: ScanExport): AsyncGenerator<object> {
  for await (const item of scan.items()) {
    if (item.status === "failed" && item.failure !== null) yield notification(item, item.failure, scan);
  }
}

/** A notification object (3.58). */
function notification(item: ScanItem, failure: ScanFailure, base: ArtifactBase): object {
  const { code, message, detail, passing } = failure;
  const id: NotificationId = code === "INTERNAL" ? "internal-error" : passing ? "model-not-reached" : "model-refused";
  const text = `${escapeText(item.name)}: ${escapeText(message)} (${code}).${detail === null ? "" : ` ${escapeText(detail)}`}`;
  return {
    descriptor: { id, index: notificationIndex(id) },
    level: id === "model-refused" ? "warning" : "error",
    message: { text: messageText(text) },
    locations: [itemLocation(item, base)],
    properties: { location: exactLocation(item), code, passing },
  };
}

function coverage({ summary }: ScanExport): object {
  const { inputs, include, exclude, depth, registry, keys, complete, interrupted } = summary;
  const { listed, done, duplicates, skipped, failed, verdicts, marked, reasons } = summary;
  const asked = { inputs, include, exclude, depth, registry, keys };
  return { ...asked, complete, interrupted, listed, done, duplicates, skipped, failed, verdicts, marked, reasons };
}
