import type { Fingerprint, Sketch } from "../fingerprint/fingerprint.ts";
import { middleTail } from "./matrix-agreement.ts";
import { axisOf, type MatrixPair } from "./matrix-pair.ts";
import { unsortedChannels, withoutOrder } from "./order-guard.ts";
import type { Pairing } from "./pairing.ts";
import { LOG10_THRESHOLD } from "./result.ts";
import { type TestOptions, testWays } from "./tried-ways.ts";

/** Hidden units by their shapes alone, which may be a public model's: heads beside a projector read no units of the file's own. */
export function isPresumed(sketch: Pick<Sketch, "axis" | "given">): boolean {
  return sketch.axis === "channels" && sketch.given;
}

/**
 * The ways with what shapes alone presume settled: where labels of which the file itself shows a source agree, two models
 * have more in common than a public one that both were fitted to, and what reads the stream behind them counts like them.
 * Elsewhere it says nothing.
 */
export function settlePresumed(
  suspect: Fingerprint,
  base: Fingerprint,
  ways: readonly Pairing[],
  options: TestOptions,
): readonly Pairing[] {
  return ways.map((way) => {
    const presumed = new Set(way.pairs.filter(restsOnShapes));
    if (presumed.size === 0) return way;
    const own = { ...way, pairs: way.pairs.filter((pair) => !presumed.has(pair)) };
    const settle = agrees(suspect, base, own, options) ? asOwn : asGiven;
    return { ...way, pairs: way.pairs.map((pair) => (presumed.has(pair) ? settle(pair) : pair)) };
  });
}

function restsOnShapes({ suspect, base, isEqual }: MatrixPair): boolean {
  return isEqual !== true && (isPresumed(suspect) || isPresumed(base));
}

/**
 * Whether what is left rejects by itself, be it a single matrix: it stands for no verdict, but for what the others read. Of
 * several most must, for one of them may read a public stream as well.
 */
function agrees(suspect: Fingerprint, base: Fingerprint, own: Pairing, options: TestOptions): boolean {
  const hidden = own.pairs.filter((pair) => axisOf(pair) === "channels" || axisOf(pair) === "neurons");
  if (hidden.length === 0) {
    const { log10P } = testWays(suspect, base, [own], options, new Set());
    return log10P !== null && log10P <= LOG10_THRESHOLD;
  }
  const { pairs } = withoutOrder({ ...own, pairs: unsortedChannels(hidden) });
  const tail = middleTail(pairs, own.log10Candidates ?? 0);
  return tail !== null && tail + own.log10Tried + options.log10Hypotheses <= LOG10_THRESHOLD;
}

function asOwn({ suspect, base }: MatrixPair): MatrixPair {
  return { suspect: settled(suspect, "own"), base: settled(base, "own") };
}

function asGiven({ suspect, base }: MatrixPair): MatrixPair {
  return { suspect: settled(suspect, "given"), base: settled(base, "given") };
}

const known = { own: new WeakMap<Sketch, Sketch>(), given: new WeakMap<Sketch, Sketch>() };

/** The same object whenever it is asked for: what is computed of pairs is kept by their sketches. */
function settled(sketch: Sketch, as: "own" | "given"): Sketch {
  const there = known[as].get(sketch);
  if (there !== undefined) return there;
  const made: Sketch = as === "own" ? { ...sketch, given: false } : { ...sketch, axis: null };
  known[as].set(sketch, made);
  return made;
}
