import type { Checkpoint } from "../../checkpoint/checkpoint.ts";

/**
 * What a model was rounded to, for people: what its file calls it where that agrees with what most of its tensors are, and
 * the types that are there, most first.
 */
export function schemeOf({ tensors, fileType }: Checkpoint): string {
  const counts = new Map<string, number>();
  for (const { scheme, levels } of tensors.values()) {
    if (scheme !== undefined && levels !== undefined) counts.set(scheme, (counts.get(scheme) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const [most] = sorted;
  if (most === undefined) return "";
  const types = sorted.map(([scheme, count]) => (sorted.length === 1 ? scheme : `${count} ${scheme}`));
  const listed = types.join(types.some((type) => type.includes(",")) ? "; " : ", ");
  const isCalled = typeof fileType === "string" && fileType !== listed && fileType.replace(/_[SML]$/, "") === most[0];
  return isCalled ? `${fileType}: ${listed}` : listed;
}
