/** As long as any path of Linux. */
const MAX_PATH = 4096;
const SHARD = /^(.*):(0|[1-9]\d{0,15}):([1-9]\d{0,15})$/s;

/** Whether a path is relative, canonical and stays inside: section 6.1.2 of the specification. */
export function isCanonicalPath(path: string): boolean {
  if (path.length === 0 || path.length > MAX_PATH || path.includes("\0") || /\p{Surrogate}/u.test(path)) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/**
 * A path as somebody types it, canonical: `./cache/` is `cache`. Null for one that leads out, has glob characters or names the
 * root itself, none of which a signature may leave out.
 */
export function ignorePathOf(typed: string): string | null {
  if (typed.startsWith("/") || /[*?[]/.test(typed)) return null;
  const path = typed
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
  return isCanonicalPath(path) ? path : null;
}

/** The file and the bytes that the name of a shard says, by its last two colons: a file's name may have more. */
export function parseShardName(name: string): { path: string; range: [number, number] } | null {
  const [, path, start, end] = SHARD.exec(name) ?? [];
  if (path === undefined || !isCanonicalPath(path)) return null;
  const range: [number, number] = [Number(start), Number(end)];
  return range.every(Number.isSafeInteger) && range[0] < range[1] ? { path, range } : null;
}
