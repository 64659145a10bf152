import { runCommandLine } from "./command-line.ts";

// A reader that goes away (`| head`) is no error of ours. Whoever writes a result hears of the others.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
  });
}

// As handlers, so that the synchronous parts of a write or of a lock are over before the process ends.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

process.exitCode = await runCommandLine(process.argv.slice(2));
