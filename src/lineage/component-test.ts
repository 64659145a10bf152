import { stouffer } from "../numerics/combine.ts";
import { log10NormalTail } from "../numerics/normal.ts";
import { fixedPoints } from "./fixed-points.ts";
import { axisOf, type MatrixPair, residualPairs, rowPairs, sharedLabels } from "./matrix-pair.ts";
import {
  ASYMPTOTIC_FLOOR,
  monteCarloP,
  type PermutationZ,
  permutationZ,
  weightCorrelation,
} from "./permutation-test.ts";
import type { TestResult } from "./result.ts";
import { buildStack, type SignStack } from "./sign-stack.ts";
import { swapTest } from "./swap-test.ts";

/** Tests whose smallest p decides; the correction counts all of them. */
const TESTS = 5;
/** Random relabelings are run for z below this. */
const MONTE_CARLO_Z = 6;
/** Neurons of all layers at most, some times what the largest models have: each layer's are relabelled and held. */
const MAX_NEURONS = 1 << 25;

const RESIDUAL =
  "residual dimensions carry no order before training (independent random initialisation, an optimiser that treats them alike)";
const NEURONS =
  "FFN neurons carry no order before training (independent random initialisation, an optimiser that treats them alike)";

export interface ComponentTests {
  readonly tests: readonly TestResult[];
  /** Smallest countable log10 p, corrected for the number of tests; null when no test applies. */
  readonly log10P: number | null;
  /** T1 on the residual axis, the measure of strength. */
  readonly residual: PermutationZ | null;
}

export interface TestOptions {
  readonly component: string;
  readonly monteCarlo: boolean;
  /** Axes whose labels are sorted in both models (see order-guard.ts). */
  readonly excluded: ReadonlySet<"residual" | "neurons">;
}

/** All tests on one set of matched matrices. */
export function testComponent(pairs: readonly MatrixPair[], options: TestOptions): ComponentTests {
  const onResidual = options.excluded.has("residual") ? [] : residualPairs(pairs);
  const onNeurons = options.excluded.has("neurons") ? [] : pairs.filter((p) => axisOf(p.base) === "neurons");
  const residual = residualTests(onResidual, options);
  const neurons = neuronTests(onNeurons, options);
  const countable = [...residual.countable, ...neurons.countable];
  return {
    tests: [...residual.tests, ...neurons.tests],
    log10P: countable.length === 0 ? null : Math.min(0, Math.min(...countable) + Math.log10(TESTS)),
    residual: residual.t1,
  };
}

function residualTests(pairs: readonly MatrixPair[], { component, monteCarlo }: TestOptions) {
  const tests: TestResult[] = [];
  const countable: number[] = [];
  const matrices = pairs.map(rowPairs);
  const rows = matrices.flat();
  const stack = buildStack(rows, rows.length === 0 ? 0 : sharedLabels(pairs));
  const t1 = rows.length === 0 ? null : permutationZ(stack);
  if (t1 === null) return { tests, countable, t1 };
  const common = { component, axis: "residual", assumptions: [RESIDUAL] } as const;
  const log10P = log10NormalTail(t1.z);
  tests.push({
    ...common,
    name: "T1",
    z: t1.z,
    log10P,
    exact: false,
    n: t1.n,
    m: t1.m,
    r: weightCorrelation(t1.signCorrelation),
    ...(monteCarlo && Math.abs(t1.z) < MONTE_CARLO_Z ? { monteCarloP: monteCarloP(stack) } : {}),
  });
  countable.push(Math.max(log10P, ASYMPTOTIC_FLOOR));
  const t2 = fixedPoints(stack);
  if (t2 !== null) {
    tests.push({
      ...common,
      name: "T2",
      z: null,
      log10P: t2.log10P,
      exact: true,
      n: t2.n,
      m: t2.matched,
      fixedPoints: t2.fixed,
    });
    countable.push(t2.log10P);
  }
  const swap = swapTest([{ stack, blocks: matrices.map((m) => m.length) }]);
  if (swap !== null) {
    tests.push({ ...common, name: "T1-swap", z: swap.z, log10P: swap.log10P, exact: true, n: t1.n, m: swap.pairs });
    countable.push(swap.log10P);
  }
  return { tests, countable, t1 };
}

/** Neuron labels of different layers are independent: one test per layer, combined. */
function neuronTests(pairs: readonly MatrixPair[], { component }: TestOptions) {
  const tests: TestResult[] = [];
  const countable: number[] = [];
  const layers: { t1: PermutationZ; stack: SignStack }[] = [];
  const seen = new Set<string>();
  let neurons = 0;
  for (const pair of pairs) {
    const rows = rowPairs(pair);
    // A layer of the base used twice is one piece of evidence, not two.
    const key = `${pair.base.component}/${pair.base.layer}/${pair.base.expert}`;
    if (rows.length === 0 || seen.has(key)) continue;
    const labels = sharedLabels([pair]);
    if (neurons + labels > MAX_NEURONS) break;
    const stack = buildStack(rows, labels);
    const t1 = permutationZ(stack);
    if (t1 === null) continue;
    seen.add(key);
    neurons += labels;
    layers.push({ t1, stack });
  }
  if (layers.length === 0) return { tests, countable };
  const z = stouffer(layers.map((l) => l.t1.z));
  const n = Math.max(...layers.map((l) => l.t1.n));
  const m = layers.reduce((sum, l) => sum + l.t1.m, 0);
  const weight = layers.reduce((sum, l) => sum + l.t1.m * l.t1.n, 0);
  const r = layers.reduce((sum, l) => sum + l.t1.signCorrelation * l.t1.m * l.t1.n, 0) / weight;
  const common = { component, axis: "neurons", n, m, assumptions: [NEURONS] } as const;
  const log10P = log10NormalTail(z);
  tests.push({ ...common, name: "T1", z, log10P, exact: false, r: weightCorrelation(r) });
  countable.push(Math.max(log10P, ASYMPTOTIC_FLOOR));
  const swap = swapTest(layers.map(({ stack }) => ({ stack, blocks: [stack.m] })));
  if (swap !== null) {
    tests.push({ ...common, name: "T1-swap", z: swap.z, log10P: swap.log10P, exact: true, m: swap.pairs });
    countable.push(swap.log10P);
  }
  return { tests, countable };
}
