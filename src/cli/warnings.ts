/** What a library says to anyone who builds upon it. */
const OF_BUILDERS = new Set(["DeprecationWarning", "ExperimentalWarning"]);

/**
 * Keeps off stderr what the user of a command can do nothing about; with --verbose it is shown. What Node has to say to the user,
 * such as that certificates are not checked, is shown as ever.
 */
export function quietWarnings(argv: readonly string[]): void {
  if (argv.some((arg) => arg === "-v" || arg === "--verbose")) return;
  const printers = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (OF_BUILDERS.has(warning.name)) return;
    for (const print of printers) print.call(process, warning);
  });
}
