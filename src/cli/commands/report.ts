import type { Command } from "commander";
import type { CommonOptions } from "../options.ts";
import { openSession } from "../session.ts";

type ReportOptions = Pick<CommonOptions, "output" | "force" | "redactPaths">;

export function registerReport(program: Command): void {
  program
    .command("report")
    .summary("make a web page of results, for people")
    .description(
      "Makes one HTML page of results that were written with --json or --format jsonl: the verdict first, then the evidence as pictures and tables, method and limits. The page loads nothing, and the same results give the same bytes.",
    )
    .argument("<result...>", "files with results, as JSON or JSON lines, or cases")
    .option("-o, --output <file>", "write the page to FILE instead of stdout")
    .option("--force", "replace an existing output file")
    .option("--redact-paths", "print the last part of paths only")
    .action(async (paths: string[], options: ReportOptions) => report(paths, options));
}

async function report(paths: readonly string[], options: ReportOptions): Promise<void> {
  const session = openSession(options, paths);
  const { openFileSource } = await import("../../bytes/file-source.ts");
  const { htmlPieces, readResults, requireResultSize } = await import("../../report/index.ts");
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
  await session.write(htmlPieces(options.redactPaths ? results.map(redactResult) : results));
}
