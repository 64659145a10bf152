import type { Command } from "commander";
import { WeightmarkError } from "../../errors.ts";
import { isStandardOutput } from "../output.ts";
import { MODEL } from "../remote.ts";
import { type ScanOptions, withScanOptions } from "../scan/options.ts";
import type { SetExitCode } from "../set-exit-code.ts";

export function registerScan(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command("scan")
    .summary("hold many models against the registered bases, and against watermark keys")
    .description(
      "Holds any number of models against the registered bases, and against watermark keys. Can be killed at any moment, and goes on with --resume.",
    )
    .argument("[root...]", `directories to walk, or models: ${MODEL}`);
  withScanOptions(command).action(async (roots: string[], given: ScanOptions) => {
    const options = withStandardOutput(given);
    requirePossible(options);
    if (options.dryRun) {
      const { listTargets } = await import("../scan/list-targets.ts");
      setExitCode(await listTargets(roots, options));
    } else {
      const { runScan } = await import("../scan/run-scan.ts");
      const { exitCode, refusal } = await runScan(roots, options);
      setExitCode(exitCode);
      if (refusal !== null) throw refusal;
    }
  });
}

/** The options without an output that is standard output anyway. An export is none: it would stand between the results. */
function withStandardOutput({ output, ...others }: ScanOptions): ScanOptions {
  for (const [path, format] of [[others.sarif, "sarif"] as const, [others.cyclonedx, "cyclonedx"] as const]) {
    if (path === undefined || !isStandardOutput(path)) continue;
    throw new WeightmarkError("USAGE", `--${format} writes a file beside the results`, {
      file: path,
      detail: `Print that format alone with --format ${format}, which goes to standard output.`,
    });
  }
  return output === undefined || isStandardOutput(output) ? others : { ...others, output };
}

/** Flags that contradict each other, before anything is opened. */
function requirePossible(options: ScanOptions): void {
  const contradiction = [
    options.resume && options.restart ? "--resume and --restart" : null,
    options.json && options.format !== undefined && options.format !== "json" ? "--json and --format" : null,
    options.cacheDir !== undefined && options.cache === false ? "--cache-dir and --no-cache" : null,
    options.dryRun && (options.sarif !== undefined || options.cyclonedx !== undefined)
      ? "--dry-run and an export"
      : null,
    options.dryRun && ["sarif", "cyclonedx", "html"].includes(options.format ?? "") ? "--dry-run and an export" : null,
    options.database !== undefined && options.journal !== undefined ? "--database and --journal" : null,
    options.database !== undefined && (options.jobs ?? 0) > 0
      ? "--database and --jobs (work is done by workers)"
      : null,
  ].find((pair) => pair !== null);
  if (contradiction === undefined) return;
  throw new WeightmarkError("USAGE", `${contradiction} exclude each other`, { detail: "See weightmark scan --help." });
}
