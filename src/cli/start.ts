import { argumentsOf } from "./arguments.ts";
import { reportFailure, runCommandLine } from "./command-line.ts";
import { runBelow } from "./init.ts";
import { catchSignals } from "./interrupt.ts";

/** Runs the command line that this process was started with. */
export async function start(argv: readonly string[]): Promise<void> {
  // A reader that goes away (`| head`) is no error of ours. Anyone who writes a result hears of the others.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit();
    });
  }

  // What nobody waits for fails as well, in a thread or a socket. Node would end with 1, which means findings.
  process.on("uncaughtException", (error) => process.exit(reportFailure(error, argv)));

  if (process.pid === 1) process.exitCode = await runBelow();
  else {
    catchSignals();
    process.exitCode = await runCommandLine(await argumentsOf(argv));
  }
}
