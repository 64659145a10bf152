import { blake3 } from "../../kernels/blake3.ts";

/** One weight file, as it is known without reading it. */
export interface ListedFile {
  readonly size: number;
  /** Hex, or null where nobody says it. */
  readonly sha256: string | null;
}

function digest(lines: string[]): string {
  return Buffer.from(blake3(Buffer.from(lines.sort().join(""), "utf8"))).toString("hex");
}

/**
 * Digest of the content of weight files that is known without reading them: BLAKE3 (hex) over the SHA-256 and size of
 * each. Names and order are left out: a renamed copy has the same content. Null when a file's SHA-256 is not known, or
 * when there are no files.
 */
export function weightContent(files: readonly ListedFile[]): string | null {
  if (files.length === 0) return null;
  const lines: string[] = [];
  for (const { size, sha256 } of files) {
    if (sha256 === null) return null;
    lines.push(`${sha256} ${size}\n`);
  }
  return digest(lines);
}

/**
 * The same for a model that a shard index names. The index decides which file a tensor is read from, so that its own
 * content counts, and the name of every file that it may name.
 *
 * @param index hash (hex) of the index, or null where nobody says it
 */
export function indexedContent(
  index: string | null,
  files: readonly (ListedFile & { readonly path: string })[],
): string | null {
  if (index === null || files.length === 0) return null;
  const lines = [`index ${index}\n`];
  for (const { path, size, sha256 } of files) {
    if (sha256 === null) return null;
    lines.push(`shard ${JSON.stringify(path)} ${sha256} ${size}\n`);
  }
  return digest(lines);
}
