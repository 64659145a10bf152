import { WeightmarkError } from "../errors.ts";
import { toHex } from "../fingerprint/hex.ts";
import { blake3 } from "../kernels/blake3.ts";
import type { HtmlResult } from "./html/render-html.ts";
import { type Report, type ScanItemReport, type ScanSummaryReport, schemaOf } from "./schemas/index.ts";

/** Bytes of a result file: some 100,000 models of a scan. Parsed it is several times that. */
const MAX_RESULT_BYTES = 128 * 2 ** 20;
/** Results of one file, models of scans apart. */
const MAX_RESULTS = 1000;

/**
 * The results in a file that was written as JSON, or as JSON lines: one report, the document of a scan, or several of them a
 * line each. Whatever is not as the published schemas say is refused.
 *
 * @param name what pages and errors call the file
 * @throws RESULT_MALFORMED, RESULT_VERSION, RESULT_TOO_LARGE
 */
export function readResults(name: string, bytes: Uint8Array): HtmlResult[] {
  requireResultSize(name, bytes.length);
  const values = parse(name, bytes);
  const file = { name, digest: toHex(blake3(bytes)) };
  const results: HtmlResult[] = [];
  let items: ScanItemReport[] = [];
  for (const value of values) {
    if (isScanDocument(value)) {
      const summary = checked(name, value.summary, "weightmark/scan-summary@1") as ScanSummaryReport;
      const models = value.items.map((item) => checked(name, item, "weightmark/scan-item@1") as ScanItemReport);
      results.push({ file, scan: scanOf(summary, models) });
      continue;
    }
    const report = checked(name, value);
    if (report.schema === "weightmark/scan-item@1") items.push(report);
    else if (report.schema === "weightmark/scan-summary@1") {
      results.push({ file, scan: scanOf(report, items) });
      items = [];
    } else results.push({ file, report });
  }
  // Items without a summary: a scan that was printed and has not come to its end.
  results.push(...items.map((report) => ({ file, report })));
  if (results.length > MAX_RESULTS) {
    throw new WeightmarkError("RESULT_TOO_LARGE", `${results.length} results are more than ${MAX_RESULTS}`, {
      file: name,
    });
  }
  if (results.length === 0) throw malformed(name, "it holds no result");
  return results;
}

/** Throws RESULT_TOO_LARGE, before anything is read. */
export function requireResultSize(name: string, size: number): void {
  if (size <= MAX_RESULT_BYTES) return;
  throw new WeightmarkError("RESULT_TOO_LARGE", `${size} bytes are more than ${MAX_RESULT_BYTES}`, { file: name });
}

function scanOf(summary: ScanSummaryReport, items: readonly ScanItemReport[]) {
  return {
    summary,
    items: async function* () {
      yield* items;
    },
  };
}

/** One JSON value, or one a line. */
function parse(name: string, bytes: Uint8Array): unknown[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw malformed(name, "it is no UTF-8", cause);
  }
  try {
    return [JSON.parse(text)];
  } catch (cause) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    if (lines.length < 2) throw malformed(name, "it is no JSON", cause);
    return lines.map((line, i) => {
      try {
        return JSON.parse(line);
      } catch (error) {
        throw malformed(name, `line ${i + 1} is no JSON`, error);
      }
    });
  }
}

function isScanDocument(value: unknown): value is { readonly summary: unknown; readonly items: readonly unknown[] } {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 2) return false;
  return "summary" in value && "items" in value && Array.isArray(value.items);
}

/** The value as its schema has it. */
function checked(name: string, value: unknown, wanted?: string): Report {
  const schema = typeof value === "object" && value !== null && "schema" in value ? value.schema : undefined;
  if (typeof schema !== "string") throw malformed(name, "it does not say which schema it follows");
  const known = /^weightmark\/(.+)$/.exec(schema)?.[1];
  const zod = known === undefined || known === "error@1" ? undefined : schemaOf(known);
  if (zod === undefined) {
    throw new WeightmarkError("RESULT_VERSION", `${JSON.stringify(schema.slice(0, 80))} is not known`, { file: name });
  }
  if (wanted !== undefined && schema !== wanted) throw malformed(name, `${schema} stands where ${wanted} should`);
  const parsed = zod.safeParse(value);
  if (parsed.success) return parsed.data as Report;
  const [issue] = parsed.error.issues;
  const where =
    issue === undefined || issue.path.length === 0 ? "" : ` at /${issue.path.map(String).join("/").slice(0, 200)}`;
  throw malformed(name, `it is no ${schema}${where}: ${issue?.message.slice(0, 200) ?? "invalid"}`);
}

function malformed(file: string, why: string, cause?: unknown): WeightmarkError {
  return new WeightmarkError("RESULT_MALFORMED", why, { file, cause });
}
