import type { TensorName } from "./name.ts";
import { wordsOf } from "./words.ts";

/** Parts of a model that mix along an axis whose places are given: time steps, patches, tokens. */
const ALONE = new Set(["temporal", "positional", "tokenmix", "tokenmixer", "tokenmixing", "timemix", "timemixing"]);
/** Diffusion models embed their time step as sines of fixed frequencies. */
const TIME_STEP = /^(?:t|time|timestep|sigma|noise|guidance)_(?:embed|embedding|embedder|emb|mlp|in)$/;
const AXES = new Set(["patch", "patches", "token", "tokens", "time", "spatial", "position", "positions", "seq"]);
const MIXES = new Set(["mix", "mixer", "mixing", "mixed", "mlp", "gate", "gating", "linear", "fc", "proj"]);

/**
 * The part of a layer (or of what lies outside layers) that mixes positions, as far as its path says so; null where it
 * does not. The path to the layer is no such word: a "temporal encoder" may be an ordinary transformer.
 */
export function positionPart({ stack, layer, stem }: TensorName): string | null {
  const segments = stem.split(/[./]/);
  const at = segments.findIndex(mixesPositions);
  return at < 0 ? null : `${stack} ${layer} ${segments.slice(0, at + 1).join(".")}`;
}

function mixesPositions(segment: string): boolean {
  const words = wordsOf(segment);
  if (TIME_STEP.test(segment) || words.some((word) => ALONE.has(word))) return true;
  for (let i = 0; i + 1 < words.length; i++) {
    const [one, next] = [words[i] as string, words[i + 1] as string];
    if ((AXES.has(one) && MIXES.has(next)) || (MIXES.has(one) && AXES.has(next))) return true;
  }
  return false;
}
