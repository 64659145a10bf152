/**
 * What the command line calls the options and functions that the library's advice names. The library writes them as
 * code (`maxBytes`): its own callers know them by these names, and users of the command line by its flags and commands.
 */
export const IN_FLAGS: ReadonlyMap<string, string> = new Map([
  ["ScanOptions.threads", "--jobs"],
  ["allowLinks", "--allow-links DIR"],
  ["allowSymlinks", "--allow-symlinks"],
  ["at", "--at"],
  ["base", "--base"],
  ["cacheDirectory", "--cache-dir"],
  ["challenge", "--challenge"],
  ["cacheDirectory: null", "--no-cache"],
  ["depth: full", "--depth full"],
  ["depth: sampled", "--depth sampled"],
  ["engine", "--engine"],
  ["exclude", "--exclude"],
  ["failOn", "--fail-on"],
  ["host:port", "--metrics [HOST:]PORT"],
  ["ignoreUnsigned", "--ignore-unsigned-files"],
  ["include", "--include"],
  ["journal", "--journal"],
  ["keys", "--watermark-keys"],
  ["maxBytes", "--max-bytes"],
  ["name", "--name"],
  ["offline", "--offline"],
  ["publicBases", "--registry DIR"],
  ["publicBases: null", "--unpublished"],
  ["readTokenIds", "--token-ids"],
  ["reference", "--reference"],
  ["registry", "--registry"],
  ["replace", "--replace"],
  ["restart", "--restart"],
  ["resume", "--resume"],
  ["rho", "--rho"],
  ["root", "--root"],
  ["strength: strong", "--strength strong"],
  ["threads", "--threads or --jobs"],
  ["timeout", "--timeout"],
  ["token", "--token-file"],
  ["addResults", "`weightmark case add`"],
  ["Registry.add", "`weightmark registry add MODEL`"],
  ["Registry.importArchive", "`weightmark registry import FILE`"],
  ["Registry.list", "`weightmark registry list`"],
  ["generateKeyFile", "`weightmark key generate`"],
  ["resealKeyFile", "`weightmark key rotate --reseal`"],
  ["rotateKeyFile", "`weightmark key rotate`"],
  ["watermarkCapacity", "`weightmark watermark capacity`"],
]);

/** A sentence of the library's own as the command line says it. Not for names and messages, which may hold anything. */
export function inFlags(sentence: string): string {
  return sentence.replace(/`([^`]+)`/g, (code, named: string) => IN_FLAGS.get(named) ?? code);
}

/** A report with its advice and caveats as the command line says them. */
export function reportInFlags<T>(value: T): T {
  return walk(value, false) as T;
}

function walk(value: unknown, isSentence: boolean): unknown {
  if (typeof value === "string") return isSentence ? inFlags(value) : value;
  if (Array.isArray(value)) return value.map((item) => walk(item, isSentence));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, walk(item, key === "detail" || key === "caveats")]),
  );
}
