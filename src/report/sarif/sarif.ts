import { escapeText, toJson } from "../escape.ts";
import { jsonArray } from "../scan/export.ts";
import { exactLocation, itemLocation, messageText, resultsOf } from "./result.ts";
import { type NotificationId, notificationDescriptors, notificationIndex, ruleDescriptors } from "./rules.ts";
import type { SarifSource, Unread } from "./sarif-source.ts";

/**
 * Results as SARIF 2.1.0 (OASIS), in pieces. Only what accuses, and signatures that do not hold, are results; models that were
 * not read are notifications of the invocation, and what was covered stands in the properties of the run: an absent result
 * is no finding of innocence.
 */
export async function* sarifLog(source: SarifSource): AsyncGenerator<string> {
  const { version, exitCode, startedAt, finishedAt } = source;
  const driver = {
    name: "weightmark",
    version,
    semanticVersion: version,
    rules: ruleDescriptors(),
    notifications: notificationDescriptors(),
  };
  yield `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{\n`;
  yield `"tool":${toJson({ driver }, 0)},\n"results":`;
  yield* jsonArray(results(source));
  yield `,\n"invocations":[{"executionSuccessful":${exitCode === null || exitCode <= 4},`;
  if (exitCode !== null) yield `"exitCode":${exitCode},`;
  if (startedAt !== null) yield `"startTimeUtc":${toJson(startedAt, 0)},`;
  if (finishedAt !== null) yield `"endTimeUtc":${toJson(finishedAt, 0)},`;
  yield `"toolExecutionNotifications":`;
  yield* jsonArray(notifications(source));
  yield `}],\n"columnKind":"utf16CodeUnits","language":"en-US","properties":${toJson(source.properties, 0)}}]}\n`;
}

async function* results(source: SarifSource): AsyncGenerator<object> {
  for await (const model of source.models()) yield* resultsOf(model, source);
}

async function* notifications(source: SarifSource): AsyncGenerator<object> {
  for await (const unread of source.unread()) yield notification(unread, source);
}

/** A notification object (3.58). */
function notification({ item, failure }: Unread, source: SarifSource): object {
  const { code, message, detail, passing } = failure;
  const id: NotificationId = code === "INTERNAL" ? "internal-error" : passing ? "model-not-reached" : "model-refused";
  const text = `${escapeText(item.name)}: ${escapeText(message)} (${code}).${detail === null ? "" : ` ${escapeText(detail)}`}`;
  return {
    descriptor: { id, index: notificationIndex(id) },
    level: id === "model-refused" ? "warning" : "error",
    message: { text: messageText(text) },
    locations: [itemLocation(item, source)],
    properties: { location: exactLocation(item), code, passing },
  };
}
