import { argumentsOf } from "./arguments.ts";
import { runCommandLine } from "./command-line.ts";
import { runBelow } from "./init.ts";
import { catchSignals } from "./interrupt.ts";

// A reader that goes away (`| head`) is no error of ours. Whoever writes a result hears of the others.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
  });
}

if (process.pid === 1) process.exitCode = await runBelow();
else {
  catchSignals();
  process.exitCode = await runCommandLine(await argumentsOf(process.argv.slice(2)));
}
