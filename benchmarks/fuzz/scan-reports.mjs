import { isDeepStrictEqual } from "node:util";
import { scanPieces } from "../../dist/src/cli/scan/output.js";
import { redactionOf } from "../../dist/src/cli/scan/redaction.js";
import { VERDICT_ORDER } from "../../dist/src/lineage/result.js";
import { scanSummaryReport } from "../../dist/src/report/scan/build.js";
import { must, mustBePlain, mustBeReference, parsedJson } from "./invariant.mjs";

const RUN = { version: "0.0.0", startedAt: "2026-01-02T03:04:05.000Z", finishedAt: "2026-01-02T03:04:06.000Z" };
const REQUESTS = { api: 0, resolve: 0, storage: 0 };

function exportOf(items, parameters, root) {
  const summary = {
    complete: true,
    interrupted: false,
    listed: items.length,
    replayed: 0,
    read: items.length,
    cached: 0,
    duplicates: 0,
    skipped: 0,
    failed: 0,
    verdicts: Object.fromEntries(VERDICT_ORDER.map((verdict) => [verdict, 0])),
    marked: 0,
    reasons: items.flatMap(({ status, failure }) =>
      failure === null ? [] : [{ status, code: failure.code, passing: failure.passing, count: 1 }],
    ),
    bytesTotal: 0,
    bytesRead: 0,
    requests: REQUESTS,
    elapsedMs: 1,
  };
  const question = { parameters, registry: null, listing: REQUESTS };
  return {
    run: RUN,
    summary: scanSummaryReport(RUN, question, summary, 0),
    items: async function* () {
      yield* items;
    },
    policies: ["derived", "mark"],
    endpoint: "https://huggingface.co",
    root,
  };
}

/** Every report of these items: what is JSON is JSON, and nothing of it acts on a terminal. */
export async function mustReportSafely(items, parameters) {
  const { about } = redactionOf({ redactPaths: true, list: "list.txt" }, ["/models"]);
  for (const [root, shown] of [
    [null, items.map(about)],
    ["/models", items],
  ]) {
    const scan = exportOf(shown, parameters, root);
    const text = async (format, colour = false) => {
      let whole = "";
      for await (const piece of scanPieces(scan, format, colour)) whole += piece;
      mustBePlain(whole, `a report in ${format}`, colour);
      return whole;
    };
    await text("text");
    await text("text", true);
    const lines = (await text("jsonl")).split("\n").slice(0, -1);
    must(lines.length === shown.length + 1, "a line for each item and one for the whole");
    const told = lines.slice(0, -1).map((line) => parsedJson(line, "a line of JSON"));
    for (const [i, { name, location, id }] of shown.entries()) {
      must(
        isDeepStrictEqual([told[i].name, told[i].location, told[i].id], [name, location, id]),
        "another name in JSON lines",
      );
    }
    parsedJson(await text("json"), "a report in JSON");
    for (const uri of urisOf(parsedJson(await text("sarif"), "SARIF"))) mustBeReference(uri, "SARIF");
    parsedJson(await text("cyclonedx"), "CycloneDX");
  }
}

function urisOf(node) {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => (key === "uri" ? [value] : urisOf(value)));
}
