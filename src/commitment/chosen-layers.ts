import { createHash } from "node:crypto";
import { logBinomial } from "../numerics/gamma.ts";

/**
 * A quarter of the layers, rounded up, which follow from a challenge: the layers come by rising SHA-256 of a domain, the
 * digest of the commitment, the challenge and their number, each ended by a line feed. Nobody who does not know the challenge
 * when committing can choose them.
 *
 * @returns numbers of layers, rising
 */
export function challengedLayers(digest: string, layers: number, challenge: string): number[] {
  const rank = (layer: number) =>
    createHash("sha256").update(`weightmark/disclosure/layers\n${digest}\n${challenge}\n${layer}\n`).digest("hex");
  const ranked = Array.from({ length: layers }, (_, layer) => [rank(layer), layer] as const);
  ranked.sort(([a], [b]) => (a < b ? -1 : 1));
  return ranked
    .slice(0, Math.ceil(layers / 4))
    .map(([, layer]) => layer)
    .sort((a, b) => a - b);
}

/** What the logarithm may be off by. */
const SLACK = 1e-6;

/** log2 of the number of ways to choose so many of the layers, rounded up: what a free choice multiplies p by. */
export function log2Choices(layers: number, opened: number): number {
  return Math.max(0, Math.ceil(logBinomial(layers, opened) / Math.LN2 - SLACK));
}
