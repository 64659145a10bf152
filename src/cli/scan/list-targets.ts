import { toJson } from "../../report/escape.ts";
import { formatBytes, formatCount } from "../../report/numbers.ts";
import { scanItemReport, scanTargetReport } from "../../report/scan/build.ts";
import { encodePieces, jsonArray } from "../../report/scan/export.ts";
import { scanItemText, scanTargetText } from "../../report/text/scan-text.ts";
import { style } from "../../report/text/style.ts";
import type { ScanItem, ScanTarget } from "../../scan/index.ts";
import { reportInFlags } from "../advice.ts";
import { settingsOf } from "../remote.ts";
import { print } from "../session.ts";
import { toolVersion } from "../version.ts";
import type { ScanOptions } from "./options.ts";
import { allowedLinks, openInputs } from "./prepare.ts";
import { redactionOf } from "./redaction.ts";
import { resultFiles } from "./result-files.ts";

type Found = ScanTarget | ScanItem;

/** Prints what would be scanned, reading no weights; 3 when something that was named cannot be, 4 when nothing is there. */
export async function listTargets(roots: readonly string[], options: ScanOptions): Promise<number> {
  const format = options.format ?? (options.json ? "json" : "text");
  const files = resultFiles(options, format, [...roots, ...(options.allowLinks ?? [])], []);
  const { writeFileAtomic } = await import("../../bytes/atomic-file.ts");
  const { openRemote } = await import("../../index.ts");
  const { enumerateTargets, isItem } = await import("../../scan/index.ts");
  const allowLinks = await allowedLinks(options);
  const inputs = await openInputs(roots, options);
  const remote = await openRemote(await settingsOf(options));
  const { include, exclude } = options;
  const redaction = redactionOf(options, roots);
  const count = { targets: 0, failed: 0, bytes: 0 };

  async function* found(): AsyncGenerator<Found> {
    for await (const one of enumerateTargets(inputs, { include, exclude, allowLinks, remote })) {
      if (!isItem(one)) {
        count.targets += 1;
        count.bytes += one.bytes ?? 0;
      } else if (one.status === "failed") count.failed += 1;
      yield reportInFlags(redaction.about(one));
    }
  }

  try {
    const pieces = format === "text" ? textPieces(found(), count) : jsonPieces(found(), format === "json");
    const [file] = files;
    if (file === undefined) for await (const piece of pieces) await print(piece);
    else await writeFileAtomic(file.path, encodePieces(pieces), { overwrite: options.force });
  } finally {
    await remote.client.close();
    await inputs.list?.close();
  }
  if (count.failed > 0) return 3;
  return count.targets === 0 ? 4 : 0;
}

async function* textPieces(
  found: AsyncIterable<Found>,
  count: { readonly targets: number; readonly bytes: number },
): AsyncGenerator<string> {
  for await (const one of reports(found)) {
    const lines = one.schema === "weightmark/scan-target@1" ? scanTargetText(one) : scanItemText(one, style(false));
    yield `${lines.join("\n")}\n`;
  }
  yield `\n${formatCount(count.targets, "model")}, ${formatBytes(count.bytes)} of weights where known; nothing of them was read\n`;
}

async function* jsonPieces(found: AsyncIterable<Found>, asDocument: boolean): AsyncGenerator<string> {
  if (!asDocument) {
    for await (const one of reports(found)) yield `${toJson(one, 0)}\n`;
    return;
  }
  yield `{"items":`;
  yield* jsonArray(reports(found));
  yield "}\n";
}

async function* reports(found: AsyncIterable<Found>) {
  // Without times: there is no result yet whose time could matter.
  const run = { version: toolVersion(), startedAt: null, finishedAt: null };
  for await (const one of found) yield "status" in one ? scanItemReport(run, one) : scanTargetReport(run, one);
}
