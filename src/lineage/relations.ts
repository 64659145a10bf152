import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import type { ComponentFinding } from "./component-verdict.ts";
import type { Difference, Relation } from "./result.ts";
import { median, type SliceRetention } from "./retention.ts";
import { equalMatrices } from "./same-content.ts";

/** More zeros than the base by this fraction is pruning. */
const PRUNED_EXCESS = 0.1;
/** Drift of the weights, relative to their size, that fine-tuning does not reach; */
const CONTINUED_DRIFT = 0.35;
/** and beyond which, or with less of the base left than this, a merge is as likely and nothing is named. */
const MIXED_DRIFT = 0.8;
const MIXED_SCALE = 0.6;
/** Slices that must show a low-rank difference before it is called an adapter's. */
const MIN_LOW_RANK = 3;

export function describeDifference(
  suspect: Fingerprint,
  base: Fingerprint,
  slices: readonly SliceRetention[],
): Difference {
  const grid = gridOf(suspect, base);
  // Rounding to a grid is a difference too, and no adapter's.
  const rank = grid === null ? adapterRank(slices) : null;
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
  const baseLayers = new Set(base.sketches.filter((s) => s.layer >= 0).map((s) => `${s.component}/${s.layer}`));
  if (matched.length > 0 && matched.length > used.size) relations.push("depth-upscaled");
  else if (matched.length > 0 && used.size < baseLayers.size) relations.push("depth-pruned");
  if (vocabulary(suspect) > vocabulary(base) && vocabulary(base) > 0) relations.push("vocabulary-extended");
  if (difference.quantization !== undefined) relations.push("quantized");
  else if (zeroFraction(suspect) > zeroFraction(base) + PRUNED_EXCESS) relations.push("pruned");
  else if (difference.loraRank !== undefined) relations.push("lora");
  if (relations.length === 0) relations.push(...trainingOf(difference));
  return relations;
}

function trainingOf({ drift, scale }: Difference): Relation[] {
  if (drift === null || scale === null || drift === 0 || drift > MIXED_DRIFT || scale < MIXED_SCALE) return [];
  return [drift > CONTINUED_DRIFT ? "continued-pretraining" : "fine-tune"];
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
