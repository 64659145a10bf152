/** `X.safetensors.index.json`; variants are called `X.safetensors.index.fp16.json` or `X.fp16.safetensors.index.json`. */
const INDEX = /^(.*)\.safetensors\.index(\.[^./]+)?\.json$/s;

/** What an index lists the shards of: "X", "X.fp16"; null for the name of something else. */
export function stemOfIndex(name: string): string | null {
  const [, stem, variant] = INDEX.exec(name) ?? [];
  return stem === undefined ? null : `${stem}${variant ?? ""}`;
}

/** Whether a file of this name lists the shards of a model. */
export function isShardIndex(name: string): boolean {
  return INDEX.test(name);
}
