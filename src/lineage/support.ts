import { popcount32 } from "../kernels/bits.ts";
import { axisOf, type MatrixPair, rowPairs, sharedLabels } from "./matrix-pair.ts";
import { buildStack, type SignStack, stackInner } from "./sign-stack.ts";
import { turnedSigns } from "./turned-signs.ts";

/** Standard deviations from which a layer speaks for a common origin. */
const TELLING_SIGMA = 4;
/** How many of the layers must, and how many at least. */
const SHARE = 0.1;
const AT_LEAST = 2;

/** Which of a component's layers agree. */
export interface Support {
  /** Layers, or matrices where there is but one layer. */
  readonly of: "layers" | "matrices";
  readonly agreeing: number;
  readonly tested: number;
  /** Whether they are enough for a verdict on the component: one tensor that agrees makes no relative. */
  readonly enough: boolean;
}

/** Layer by layer, each judged by its own matrices. */
export function supportOf(pairs: readonly MatrixPair[]): Support {
  const layers = new Map<string, MatrixPair[]>();
  const testable = pairs.filter((pair) => axisOf(pair) !== null);
  const isLayered = new Set(testable.map(({ base }) => base.layer)).size > 1;
  testable.forEach((pair, i) => {
    const key = isLayered && pair.base.layer >= 0 ? `${pair.base.component}/${pair.base.layer}` : `matrix ${i}`;
    const list = layers.get(key);
    if (list) list.push(pair);
    else layers.set(key, [pair]);
  });
  const sigmas = [...layers.values()].flatMap((list) => {
    const sigma = sigmaOf(list);
    return sigma === null ? [] : [sigma];
  });
  const agreeing = sigmas.filter((sigma) => sigma >= TELLING_SIGMA).length;
  const enough = agreeing >= Math.max(AT_LEAST, Math.ceil(SHARE * sigmas.length));
  return { of: isLayered ? "layers" : "matrices", agreeing, tested: sigmas.length, enough };
}

/** |z| as if all signs were independent, or what is left of it when rows and labels may have been turned. */
function sigmaOf(pairs: readonly MatrixPair[]): number | null {
  let centred = 0;
  let signs = 0;
  let turned = 0;
  for (const pair of pairs) {
    const rows = rowPairs(pair);
    const labels = sharedLabels([pair]);
    if (rows.length === 0 || labels < 8) continue;
    const stack = buildStack(rows, labels);
    centred += stackInner(stack).centred;
    signs += stack.m * stack.n;
    turned += turnedSum(stack);
  }
  if (signs === 0) return null;
  return Math.max(Math.abs(centred), turned) / Math.sqrt(signs);
}

/** Sum over rows of |agreement| on the labels that did not decide their signs, labels turned as those say; less its null mean. */
function turnedSum(stack: SignStack): number {
  const { m, n, words, a, b } = stack;
  if (n < 16) return 0;
  const { labels } = turnedSigns(stack, false);
  let sum = 0;
  for (let r = 0; r < m; r++) {
    let distance = 0;
    for (let w = 0; w < words; w++) {
      const tail = w === words - 1 && n % 32 !== 0 ? (1 << (n % 32)) - 1 : 0xffffffff;
      distance += popcount32((a[r * words + w]! ^ b[r * words + w]! ^ labels[w]!) & tail);
    }
    sum += Math.abs(n - 2 * distance);
  }
  // Signs of labels and rows together make about sqrt(2 / pi) (m sqrt(n) + n sqrt(m)) of nothing; twice that is left out.
  return sum - 2 * Math.sqrt(2 / Math.PI) * (m * Math.sqrt(n) + n * Math.sqrt(m));
}
