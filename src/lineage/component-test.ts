import { stouffer } from "../numerics/combine.ts";
import { log10NormalTail } from "../numerics/normal.ts";
import { type FixedPoints, fixedPoints } from "./fixed-points.ts";
import { matrixAgreement } from "./matrix-agreement.ts";
import { type Axis, axisOf, type MatrixPair, pairStack, residualPairs, rowCount, sharedLabels } from "./matrix-pair.ts";
import {
  ASYMPTOTIC_FLOOR,
  monteCarloP,
  type PermutationZ,
  permutationZ,
  weightCorrelation,
} from "./permutation-test.ts";
import type { TestResult } from "./result.ts";
import type { SignStack } from "./sign-stack.ts";
import { type SwapTest, swapTest } from "./swap-test.ts";
import { turnedCorrelation } from "./turned-signs.ts";
import { turnedTest } from "./turned-test.ts";

/** Tests whose smallest p decides; the correction counts all of them. */
const TESTS = 10;
/** Random relabelings are run for z below this. */
const MONTE_CARLO_Z = 6;
/** Neurons of all layers at most, some times what the largest models have: each layer's are relabelled and held. */
const MAX_NEURONS = 1 << 25;
/** Where plain tests say as much as this, nobody asks whether signs were turned. */
const PLAIN_ENOUGH = -12;
/** And nobody asks how much is shared where nothing says that something is. */
const SAYS_NOTHING = -6;
/** By how much turning rows and labels must raise r to be believed: a little of it comes of choosing alone. */
const TURNED_GAIN = 0.1;

const ASSUMPTIONS: Readonly<Record<Axis, string>> = {
  residual:
    "residual dimensions carry no order before training (independent random initialisation, an optimiser that treats them alike)",
  neurons:
    "FFN neurons carry no order before training (independent random initialisation, an optimiser that treats them alike)",
  channels:
    "hidden units carry no order before training (independent random initialisation, an optimiser that treats them alike)",
};
const TURNED = "half of the labels decided which rows were turned, the other half was tested";

export interface ComponentTests {
  readonly tests: readonly TestResult[];
  /** Smallest countable log10 p, corrected for the number of tests; null when no test applies. */
  readonly log10P: number | null;
  /** The smallest that `log10P` could have been. */
  readonly reach: number;
  /** Strength: the weight correlation behind the signs, rows and labels turned where that is what shows it. */
  readonly r: number | null;
}

export interface TestOptions {
  readonly component: string;
  readonly monteCarlo: boolean;
  /** Axes whose labels have an order of their own in both models (see order-guard.ts). */
  readonly excluded: ReadonlySet<Axis>;
  /** log10 of the matrices that each one was chosen from, where content chose. */
  readonly log10Candidates?: number;
}

/** What the tests of one axis found. */
interface AxisTests {
  readonly tests: TestResult[];
  readonly countable: number[];
  readonly reaches: number[];
  readonly r: number | null;
}

/** All tests on one set of matched matrices. */
export function testComponent(pairs: readonly MatrixPair[], options: TestOptions): ComponentTests {
  const on = (axis: Axis): MatrixPair[] => (options.excluded.has(axis) ? [] : pairs.filter((p) => axisOf(p) === axis));
  const residual = residualTests(residualPairs(on("residual")), options);
  const neurons = neuronTests(on("neurons"), options);
  const channels = channelTests(on("channels"), options);
  const all = [residual, neurons, channels];
  const smallest = (tails: readonly number[]): number => Math.min(0, Math.min(0, ...tails) + Math.log10(TESTS));
  const countable = all.flatMap((axis) => axis.countable);
  return {
    tests: all.flatMap((axis) => axis.tests),
    log10P: countable.length === 0 ? null : smallest(countable),
    reach: smallest(all.flatMap((axis) => axis.reaches)),
    r: residual.r ?? neurons.r ?? channels.r,
  };
}

const NOTHING: AxisTests = { tests: [], countable: [], reaches: [], r: null };

function residualTests(pairs: readonly MatrixPair[], { component, monteCarlo }: TestOptions): AxisTests {
  const stack = pairStack(pairs);
  const t1 = stack === null ? null : permutationZ(stack);
  if (stack === null || t1 === null) return NOTHING;
  const found = collector(component, "residual");
  const common = { n: t1.n, m: t1.m };
  const log10P = log10NormalTail(t1.z);
  found.push(
    {
      ...common,
      name: "T1",
      z: t1.z,
      log10P,
      exact: false,
      ...(monteCarlo && Math.abs(t1.z) < MONTE_CARLO_Z ? { monteCarloP: monteCarloP(stack) } : {}),
    },
    Math.max(log10P, ASYMPTOTIC_FLOOR),
  );
  found.fixed(fixedPoints(stack));
  found.swap(swapTest([{ stack, blocks: pairs.map(rowCount) }]), common);
  const turned = found.smallest() > PLAIN_ENOUGH ? turnedTest([stack]) : null;
  found.fixed(turned?.t2 ?? null, true);
  found.swap(turned?.swap ?? null, common, true);
  return found.tests(strengthOf(t1, found.smallest() < SAYS_NOTHING ? stack : null));
}

/** Neuron labels of different layers are independent: one test per layer, combined. */
function neuronTests(pairs: readonly MatrixPair[], { component }: TestOptions): AxisTests {
  const layers: { pair: MatrixPair; t1: PermutationZ; stack: SignStack }[] = [];
  const used = { suspect: new Set<MatrixPair["suspect"]>(), base: new Set<MatrixPair["base"]>() };
  let neurons = 0;
  for (const pair of pairs) {
    // A layer used twice is one piece of evidence, not two.
    if (used.base.has(pair.base) || used.suspect.has(pair.suspect)) continue;
    const labels = sharedLabels([pair]);
    const stack = pairStack([pair]);
    if (stack === null) continue;
    if (neurons + labels > MAX_NEURONS) break;
    const t1 = permutationZ(stack);
    if (t1 === null) continue;
    used.base.add(pair.base);
    used.suspect.add(pair.suspect);
    neurons += labels;
    layers.push({ pair, t1, stack });
  }
  if (layers.length === 0) return NOTHING;
  const found = collector(component, "neurons");
  const z = stouffer(layers.map((l) => l.t1.z));
  const n = Math.max(...layers.map((l) => l.t1.n));
  const m = layers.reduce((sum, l) => sum + l.t1.m, 0);
  const weight = layers.reduce((sum, l) => sum + l.t1.m * l.t1.n, 0);
  const r = layers.reduce((sum, l) => sum + l.t1.signCorrelation * l.t1.m * l.t1.n, 0) / weight;
  const log10P = log10NormalTail(z);
  found.push({ n, m, name: "T1", z, log10P, exact: false }, Math.max(log10P, ASYMPTOTIC_FLOOR));
  const stacks = layers.map((l) => l.stack);
  found.swap(swapTest(stacks.map((stack) => ({ stack, blocks: [stack.m] }))), { n });
  const agreement = matrixAgreement(
    layers.map(({ pair }) => pair),
    0,
    stacks,
  );
  if (agreement !== null) {
    const { tested, needed, log10P: combined, reach } = agreement;
    found.push({ n: tested, m: needed, name: "agreement", z: null, log10P: combined, exact: true }, combined, reach);
  }
  const turned = found.smallest() > PLAIN_ENOUGH ? turnedTest(stacks) : null;
  found.swap(turned?.swap ?? null, { n }, true);
  return found.tests(weightCorrelation(r));
}

function channelTests(pairs: readonly MatrixPair[], { component, log10Candidates = 0 }: TestOptions): AxisTests {
  const agreement = matrixAgreement(pairs, log10Candidates);
  if (agreement === null) return NOTHING;
  const found = collector(component, "channels");
  const { tested, needed, log10P, reach } = agreement;
  found.push({ n: tested, m: needed, name: "agreement", z: null, log10P, exact: true }, log10P, reach);
  return found.tests(null);
}

/** r of the signs as they lie, or of turned ones where they agree far better. */
function strengthOf(t1: PermutationZ, stack: SignStack | null): number {
  const turned = stack === null ? 0 : turnedCorrelation(stack);
  return weightCorrelation(turned > t1.signCorrelation + TURNED_GAIN ? turned : t1.signCorrelation);
}

type Bare = Omit<TestResult, "component" | "axis" | "assumptions">;

/** Gathers the tests of one axis: what is printed, what counts, and what could have come of it. */
function collector(component: string, axis: Axis) {
  const tests: TestResult[] = [];
  const countable: number[] = [];
  const reaches: number[] = [];
  let smallest = 0;
  const push = (test: Bare, counted: number, reach: number = counted): void => {
    const assumptions = test.turned === true ? [ASSUMPTIONS[axis], TURNED] : [ASSUMPTIONS[axis]];
    tests.push({ ...test, component, axis, assumptions });
    countable.push(counted);
    reaches.push(reach);
    smallest = Math.min(smallest, counted);
  };
  const mark = (isTurned: boolean): { turned?: true } => (isTurned ? { turned: true } : {});
  return {
    push,
    fixed: (t2: FixedPoints | null, isTurned = false): void => {
      if (t2 === null) return;
      const { n, matched: m, fixed: fixedPoints, log10P, reach } = t2;
      push({ name: "T2", z: null, log10P, exact: true, n, m, fixedPoints, ...mark(isTurned) }, log10P, reach);
    },
    swap: (swap: SwapTest | null, { n }: { n: number }, isTurned = false): void => {
      if (swap === null) return;
      const { z, log10P, reach, pairs: m } = swap;
      push({ name: "T1-swap", z, log10P, exact: true, n, m, ...mark(isTurned) }, log10P, reach);
    },
    smallest: (): number => smallest,
    tests: (r: number | null): AxisTests => ({
      tests: tests.map((test) => (test.name === "T1" && r !== null ? { ...test, r } : test)),
      countable,
      reaches,
      r,
    }),
  };
}
