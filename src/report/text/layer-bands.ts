export interface MatchedLayer {
  readonly component: string;
  readonly suspect: number;
  readonly base: number | null;
  readonly log10P: number | null;
}

/** A layer counts as matched below this p: a layer map is an illustration, the verdict has a threshold of its own. */
const LOG10_MATCH = -6;

function range(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** "0-23 as 0-23, 24-47 as 8-31": runs of suspect layers that follow one another in the base as well. */
export function layerBands(layers: readonly MatchedLayer[]): string {
  const bands: { component: string; suspect: number; base: number; length: number }[] = [];
  for (const { component, suspect, base, log10P } of layers) {
    if (base === null || log10P === null || log10P > LOG10_MATCH) continue;
    const last = bands.at(-1);
    const follows =
      last?.component === component && suspect === last.suspect + last.length && base === last.base + last.length;
    if (last !== undefined && follows) last.length++;
    else bands.push({ component, suspect, base, length: 1 });
  }
  return bands
    .map(({ suspect, base, length }) => `${range(suspect, suspect + length - 1)} as ${range(base, base + length - 1)}`)
    .join(", ");
}
