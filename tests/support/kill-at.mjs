// Loaded before a command (--import): sends it WEIGHTMARK_KILL_SIGNAL (SIGKILL) right before its WEIGHTMARK_KILL_AT-th operation
// on files, or says in the file WEIGHTMARK_KILL_LOG which operations it took.
import { writeFileSync } from "node:fs";
import { watchFiles } from "./watched-files.mjs";

const at = Number(process.env.WEIGHTMARK_KILL_AT);
const log = [];

watchFiles((name) => {
  log.push(name);
  if (log.length === at) process.kill(process.pid, process.env.WEIGHTMARK_KILL_SIGNAL ?? "SIGKILL");
});

process.on("exit", () => {
  if (process.env.WEIGHTMARK_KILL_LOG) writeFileSync(process.env.WEIGHTMARK_KILL_LOG, JSON.stringify(log));
});
