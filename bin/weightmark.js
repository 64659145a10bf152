#!/usr/bin/env node
// Where Node cannot load a file it ends with 1, which means findings: without file handles, or with half an installation.
try {
  await import("../dist/src/cli/main.js");
} catch (error) {
  const cause = error?.code ?? String(error?.message ?? error).split("\n", 1)[0];
  const isScarce = cause === "EMFILE" || cause === "ENFILE";
  const code = isScarce ? "TOO_MANY_OPEN_FILES" : "INTERNAL";
  const message = `weightmark cannot be started (${cause})`;
  const detail = isScarce ? "Allow the process more open files, such as with: ulimit -n 1024" : "Install it anew.";
  const isJson = /(?:^| )--(?:json|format[= ]jsonl?)(?: |$)/.test(process.argv.slice(2).join(" "));
  const text = isJson
    ? JSON.stringify({ error: { code, message, detail } })
    : `weightmark: ${message} (${code})\n${detail}`;
  process.stderr.write(`${text}\n`);
  process.exitCode = isScarce ? 5 : 70;
}
