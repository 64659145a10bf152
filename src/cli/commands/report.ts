import { type Command, Option } from "commander";
import { documentOf } from "../document.ts";
import { type CommonOptions, DOCUMENTS } from "../options.ts";
import { openSession } from "../session.ts";

interface ReportOptions extends Pick<CommonOptions, "output" | "force" | "redactPaths"> {
  readonly format: (typeof DOCUMENTS)[number];
}

export function registerReport(program: Command): void {
  program
    .command("report")
    .summary("make a web page of results, or a document for other tools")
    .description(
      "Makes one HTML page of results that were written with --json or --format jsonl: the verdict first, then the evidence as pictures and tables, method and limits. The page loads nothing, and the same results give the same bytes. --format makes a CycloneDX 1.7 ML-BOM or a SARIF 2.1.0 log of them instead.",
    )
    .argument("<result...>", "files with results, as JSON or JSON lines, or cases")
    .addOption(new Option("--format <format>", "what to make of them").choices(DOCUMENTS).default("html"))
    .option("-o, --output <file>", "write the page to FILE instead of stdout")
    .option("--force", "replace an existing output file")
    .option("--redact-paths", "print the last part of paths only")
    .action(async (paths: string[], options: ReportOptions) => report(paths, options));
}

async function report(paths: readonly string[], options: ReportOptions): Promise<void> {
  const { format, ...rest } = options;
  const session = openSession(rest, paths);
  const { openFileSource } = await import("../../bytes/file-source.ts");
  const { readResults, requireResultSize } = await import("../../report/index.ts");
  const { unprovenCase } = await import("../../case/index.ts");
  const { digestOf } = await import("../../registry/digest.ts");
  const { redactResult } = await import("../redact-result.ts");
  const results = [];
  for (const path of paths) {
    const source = await openFileSource(path);
    try {
      requireResultSize(path, source.size);
      const bytes = await source.read(0, source.size);
      const sealed = unprovenCase(bytes, path);
      if (sealed === null) results.push(...readResults(path, bytes));
      else results.push({ file: { name: path, digest: digestOf(bytes) }, report: sealed });
    } finally {
      await source.close();
    }
  }
  await session.write(await documentOf(format, options.redactPaths ? results.map(redactResult) : results));
}
