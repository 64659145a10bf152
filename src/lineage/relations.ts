import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { ComponentFinding } from "./component-verdict.ts";
import type { Difference, Relation } from "./result.ts";
import { median, type SliceRetention } from "./retention.ts";
import { equalMatrices } from "./same-content.ts";

/** More zeros than the base by this fraction is pruning. */
const PRUNED_EXCESS = 0.1;
/** Drift of the weights, relative to their size, that light fine-tuning does not reach. */
const CONTINUED_DRIFT = 0.35;
/** Slices that must show a low-rank difference before it is called an adapter's. */
const MIN_LOW_RANK = 3;

export function describeDifference(
  suspect: Fingerprint,
  base: Fingerprint,
  slices: readonly SliceRetention[],
): Difference {
  const rank = adapterRank(slices);
  const grid = gridOf(suspect, base);
  return {
    scale: median(slices.map((s) => s.scale)),
    reverseScale: median(slices.map((s) => s.reverseScale)),
    drift: median(slices.map((s) => s.drift)),
    frozenTensors: equalMatrices(suspect, base),
    comparedTensors: Math.min(suspect.sketches.length, base.sketches.length),
    ...(rank === null ? {} : { loraRank: rank }),
    ...(grid === null ? {} : { quantization: grid }),
  };
}

/** What the sketches show of how a derived suspect was made. */
export function describeRelations(
  suspect: Fingerprint,
  base: Fingerprint,
  findings: readonly ComponentFinding[],
  difference: Difference,
): Relation[] {
  const relations: Relation[] = [];
  const layers = findings.flatMap((f) => f.pairing.layers);
  const matched = layers.filter((l) => l.base !== null);
  const used = new Set(matched.map((l) => `${l.component}/${l.base}`));
  const baseLayers = new Set(
    base.sketches.filter((s) => s.layer >= 0).map((s) => `${s.component}/${s.layer}`),
  );
  if (matched.length > 0 && matched.length > used.size) relations.push("depth-upscaled");
  else if (matched.length > 0 && used.size < baseLayers.size) relations.push("depth-pruned");
  if (vocabulary(suspect) > vocabulary(base) && vocabulary(base) > 0) relations.push("vocabulary-extended");
  if (zeroFraction(suspect) > zeroFraction(base) + PRUNED_EXCESS) relations.push("pruned");
  if (difference.quantization !== undefined) relations.push("quantized");
  if (difference.loraRank !== undefined) relations.push("lora");
  else if ((difference.drift ?? 0) > CONTINUED_DRIFT && relations.length === 0) relations.push("continued-pretraining");
  else if (relations.length === 0 && (difference.drift ?? 0) > 0) relations.push("fine-tune");
  return relations;
}

/** The common rank of the differences, where enough of them are low and none is of full rank. */
function adapterRank(slices: readonly SliceRetention[]): number | null {
  const inLayers = slices.filter((s) => s.layer >= 0);
  if (inLayers.some((s) => s.rank === null)) return null;
  const changed = inLayers.flatMap((s) => (s.rank === null || s.rank === 0 ? [] : [s.rank]));
  return changed.length < MIN_LOW_RANK ? null : Math.max(...changed);
}

/** Quantisation grid that most of the suspect's matrices lie on and the base's do not. */
function gridOf(suspect: Fingerprint, base: Fingerprint): string | null {
  const label = (fp: Fingerprint): string | null => {
    const counts = new Map<string, number>();
    const inLayers = fp.sketches.filter((s) => s.layer >= 0 || s.role === "unknown");
    for (const s of inLayers) if (s.moments.grid) counts.set(s.moments.grid, (counts.get(s.moments.grid) ?? 0) + 1);
    const [top] = [...counts].sort((a, b) => b[1] - a[1]);
    return top && top[1] * 2 > inLayers.length ? top[0] : null;
  };
  const found = label(suspect);
  return found !== null && found !== label(base) ? found : null;
}

function vocabulary(fp: Fingerprint): number {
  return fp.sketches.find((s) => s.role === "embed")?.rows ?? 0;
}

function zeroFraction(fp: Fingerprint): number {
  return median(fp.sketches.filter((s) => s.layer >= 0).map((s) => s.moments.zeroFraction)) ?? 0;
}
