import { toJson } from "../escape.ts";
import { scanItemReport } from "./build.ts";
import { jsonArray, type ScanExport } from "./export.ts";

/** The whole scan as one JSON document, in pieces: {"summary": scan-summary@1, "items": [scan-item@1 ...]}. */
export async function* scanDocument({ run, summary, items }: ScanExport): AsyncGenerator<string> {
  yield `{"summary":${toJson(summary, 0)},\n"items":`;
  yield* jsonArray(reports());
  yield "}\n";

  async function* reports() {
    for await (const item of items()) yield scanItemReport(run, item);
  }
}

/** The scan as JSON lines: items by id, the summary last. */
export async function* scanLines({ run, summary, items }: ScanExport): AsyncGenerator<string> {
  for await (const item of items()) yield `${toJson(scanItemReport(run, item), 0)}\n`;
  yield `${toJson(summary, 0)}\n`;
}
