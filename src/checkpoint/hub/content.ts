import { blake3 } from "../../kernels/blake3.ts";

/**
 * Digest of the content of weight files that is known without reading them: BLAKE3 (hex) over the SHA-256 and size of
 * each. Names and order are left out: a renamed copy has the same content. Null when a file's SHA-256 is not known, or
 * when there are no files.
 */
export function weightContent(
  files: readonly { readonly size: number; readonly sha256: string | null }[],
): string | null {
  if (files.length === 0) return null;
  const lines: string[] = [];
  for (const { size, sha256 } of files) {
    if (sha256 === null) return null;
    lines.push(`${sha256} ${size}\n`);
  }
  return Buffer.from(blake3(Buffer.from(lines.sort().join(""), "latin1"))).toString("hex");
}
