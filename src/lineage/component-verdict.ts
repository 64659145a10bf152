import { takeTurn } from "../bytes/turn.ts";
import type { ComponentFinding } from "./finding.ts";
import { type Axis, axisOf, type MatrixPair } from "./matrix-pair.ts";
import { ATTENTION } from "./network.ts";
import { orderedAxes, withoutOrder } from "./order-guard.ts";
import type { Pairing } from "./pairing.ts";
import { EMBEDDINGS, LOG10_THRESHOLD } from "./result.ts";
import { settle } from "./settle.ts";
import type { Subject } from "./subject.ts";
import { type TestOptions, type Tried, testWays } from "./tried-ways.ts";
import { withoutForeign } from "./written-alike.ts";

export interface FindingOptions extends TestOptions {
  /**
   * Width of the token table that both models share, if they do: the dimensions of a stream that it feeds were given to both,
   * so they say nothing of a stack's own start, whatever was trained on top. 0 where there is none.
   */
  readonly givenWidth: number;
  readonly signal?: AbortSignal | undefined;
}

/** Tests a component under each pairing, and judges by the one with the smallest corrected p. */
export async function judgeComponent(
  suspect: Subject,
  base: Subject,
  ways: readonly Pairing[],
  options: FindingOptions,
): Promise<ComponentFinding> {
  const [x, y] = [suspect.fingerprint, base.fingerprint];
  const { signal } = options;
  await takeTurn(signal);
  const plain = testWays(x, y, ways, options, new Set());
  const claimed = (plain.log10P ?? 0) <= LOG10_THRESHOLD;
  await takeTurn(signal);
  // A costlier look at the labels, worth taking only before something is claimed.
  const ordered = claimed ? orderedAxes(plain.pairing.pairs) : new Set<Axis>();
  const unordered = claimed ? ways.map((way) => withoutOrder(way)) : ways;
  await takeTurn(signal);
  const isPlain = ordered.size === 0 && unordered.every((way, i) => way === ways[i]);
  const all = isPlain ? plain : testWays(x, y, unordered, options, ordered);
  // What is asked of a part of it was the best of as many ways.
  const again = (way: Pairing): Tried => {
    const log10Tried = way.log10Tried + Math.log10(ways.length);
    return { ...testWays(x, y, [{ ...way, log10Tried }], options, ordered), pairing: way };
  };
  const alike = claimed ? withoutForeign(x, y, all.pairing) : all.pairing;
  const tested = alike === all.pairing ? all : again(alike);
  const isForeign = (all.log10P ?? 0) <= LOG10_THRESHOLD && (tested.log10P ?? 0) > LOG10_THRESHOLD;
  if (isForeign) return settle(suspect, base, all, "foreign", signal);
  const isOwn = (pair: MatrixPair): boolean =>
    (pair.isAlike === true || (!pair.suspect.given && !pair.base.given)) &&
    !(axisOf(pair) === "residual" && pair.base.cols === options.givenWidth);
  const needsOwn =
    claimed &&
    tested.pairing.component !== EMBEDDINGS &&
    tested.pairing.isEqual !== true &&
    !tested.pairing.pairs.every((p) => axisOf(p) === null || isOwn(p));
  const own = needsOwn ? again({ ...tested.pairing, pairs: tested.pairing.pairs.filter(isOwn) }) : null;
  const owns = own === null || (own.log10P ?? 0) <= LOG10_THRESHOLD;
  // Rows of attention count its heads, whatever stream it reads.
  const mayOwn = owns || tested.pairing.pairs.some((pair) => isOwn(pair) || ATTENTION.has(pair.base.role));
  await takeTurn(signal);
  return settle(suspect, base, tested, owns ? "own" : mayOwn ? "silent" : "none", signal);
}
