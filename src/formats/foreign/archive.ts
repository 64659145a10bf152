import type { ContainerKind } from "./containers.ts";

/** Names of a zip that are looked at: the first tell what it is. */
const MAX_NAMES = 1000;
const LOCAL_HEADER = "PK\x03\x04";
const LOCAL_HEADER_BYTES = 30;

/**
 * Names of files in a zip archive, as far as their headers lie in its first bytes. PyTorch leaves sizes out of them, so that
 * one cannot be found from the other: they are looked for.
 *
 * @param text the first bytes as Latin-1
 */
function zipNames(text: string): string[] {
  const names: string[] = [];
  let at = text.indexOf(LOCAL_HEADER);
  while (at >= 0 && names.length < MAX_NAMES) {
    const length = (text.charCodeAt(at + 27) << 8) | text.charCodeAt(at + 26);
    const start = at + LOCAL_HEADER_BYTES;
    if (start + length <= text.length) names.push(text.slice(start, start + length));
    at = text.indexOf(LOCAL_HEADER, at + LOCAL_HEADER.length);
  }
  return names;
}

/** What programs put into their archives, and nobody else. A directory of any name stands above it in those of PyTorch. */
const INSIDE: readonly (readonly [RegExp, ContainerKind])[] = [
  [/^[^/]+\/(?:archive_format|models\/[^/]+\.json|data\/weights\/weight_\d+)$/, "torchExport"],
  [/^[^/]+\/(?:code\/.*|constants\.pkl)$/, "torchScript"],
  [/^[^/]+\/(?:data\.pkl|data\/\d+)$/, "pytorch"],
  [/\.npy$/, "numpyArchive"],
  [/^model\.weights\.h5$/, "keras"],
];

/** The kind of a zip archive by what lies in it, or null when this is no zip archive. */
export function kindOfZip(text: string): ContainerKind | null {
  if (!text.startsWith(LOCAL_HEADER)) return null;
  const names = zipNames(text);
  return INSIDE.find(([inside]) => names.some((name) => inside.test(name)))?.[1] ?? "zip";
}

/** The kind of a tar archive by its first file, or null when this is no tar archive. */
export function kindOfTar(text: string): ContainerKind | null {
  if (!text.startsWith("ustar", 257)) return null;
  // Archives often begin with an entry for the directory that they are of.
  const first = [0, 512].map((at) => text.slice(at, at + 100).split("\0", 1)[0]!);
  return first.some((name) => /^(?:\.\/)?model_(?:config\.yaml|weights(?:\.ckpt|\/))/.test(name)) ? "nemo" : "tar";
}
