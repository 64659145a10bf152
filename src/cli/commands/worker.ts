import { type Command, InvalidArgumentError, Option } from "commander";
import { positiveNumber, wholeNumber } from "../options.ts";
import { withAccess } from "../remote.ts";
import type { WorkerFlags } from "../worker/flags.ts";

export function registerWorker(program: Command): void {
  const command = program
    .command("worker")
    .summary("work on the scans of a database, beside any number of other machines")
    .description(
      "Takes models that `weightmark scan --database` put into a queue and works on them until it is told to stop (SIGTERM, SIGINT): then it ends what it is at, and gives back what takes too long. A second signal ends it at once.",
    )
    .option(
      "--database <url>",
      "PostgreSQL with the scans (or set WEIGHTMARK_DATABASE_URL, which other users of the machine cannot read)",
    )
    .option("--registry <dir|url>", "the bases to hold models against (default: those in the database)")
    .option("--watermark-keys <dir>", "the keys of scans that check marks; they stay on this machine")
    .option("--passphrase-file <file>", "read the keys' passphrase from here (or set WEIGHTMARK_PASSPHRASE)")
    .option("--jobs <n>", "threads that work on models (default: as many as there are cores)", wholeNumber(0, 256))
    .option("--cache-dir <dir>", "where fingerprints are cached (default: the user's cache directory)")
    .option("--no-cache", "use no cache")
    .addOption(
      new Option(
        "--metrics <[host:]port>",
        "serve /metrics, /healthz and /readyz; on the loopback without a host",
      ).argParser(hostAndPort),
    )
    .option("--drain-timeout <seconds>", "how long running models have when told to stop (default: 30)", positiveNumber)
    .option("--once", "end when no job is waiting");
  withAccess(command)
    .option("-q, --quiet", "nothing on stderr but errors")
    .option("-v, --verbose", "say more on stderr")
    .option("--redact-paths", "print the last part of paths only")
    .addOption(new Option("--log-format <format>", "lines on stderr for people or programs").choices(["text", "json"]))
    .action(async (flags: WorkerFlags) => {
      const { work } = await import("../worker/work.ts");
      await work(flags);
    });
}

/** "9090", "0.0.0.0:9090", "[::1]:9090". */
function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]:|([^:]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (!(port <= 65_535)) throw new InvalidArgumentError("PORT, HOST:PORT or [ADDRESS]:PORT.");
  return { host: bracketed ?? plain ?? "127.0.0.1", port };
}
