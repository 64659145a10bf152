import type { Role } from "../../src/anatomy/anatomy.ts";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import type { Fingerprint, MatrixSketch } from "../../src/fingerprint/fingerprint.ts";
import type { DifferenceRank } from "../../src/lineage/difference-rank.ts";
import type { ComponentFinding } from "../../src/lineage/finding.ts";
import type { LayerPair, Pairing } from "../../src/lineage/pairing.ts";
import type { ComponentVerdict, LearnedRetention, Verdict } from "../../src/lineage/result.ts";
import type { SliceRetention } from "../../src/lineage/retention.ts";
import type { Subject } from "../../src/lineage/subject.ts";
import type { Support } from "../../src/lineage/support.ts";
import { randomFingerprint } from "./random-fingerprint.ts";
import { fingerprintOf } from "./sketches.ts";

interface GivenStack {
  readonly layers: number;
  readonly cols?: number;
  readonly roles?: readonly Role[];
}

const Q: readonly Role[] = ["q"];

/** A model of these stacks by name, whose matrices are all others than those of another seed. */
export function modelOf(seed: number, stacks: Readonly<Record<string, GivenStack>>): Fingerprint {
  const sketches = Object.entries(stacks).flatMap(([component, { layers, cols = 64, roles = Q }], i) =>
    randomFingerprint({ seed: 100 * seed + i, layers, cols, roles }).sketches.map((s) => ({ ...s, component })),
  );
  return { ...fingerprintOf(sketches, seed), dtypes: { F32: sketches.length } };
}

export function subjectOf(name: string, fingerprint: Fingerprint, change: Partial<Subject> = {}): Subject {
  return { name, fingerprint, checkpoint: null, root: false, ...change };
}

/** L and b of one model in the other, of a training that shows. */
export function learnedOf(share: number, bulk = 1, change: Partial<LearnedRetention> = {}): LearnedRetention {
  return { share, error: 0, bulk, spread: 0, directions: 12, slices: 16, ...change };
}

export interface GivenFinding
  extends Partial<Pick<ComponentFinding, "slices" | "sharesTraining" | "isSimple" | "isMinor" | "stacks">> {
  readonly component?: string;
  readonly suspectComponent?: string;
  readonly verdict?: Partial<ComponentVerdict>;
  readonly pairing?: Partial<Pairing>;
  /** Layers of the suspect over layers of the base; all in place where it is left out. */
  readonly layers?: readonly (readonly [number, number])[];
  readonly support?: Partial<Support> | null;
}

/** What may have been found of one stack: its layers lie over the other's, matrix over matrix. */
export function findingOf(
  suspect: Fingerprint,
  base: Fingerprint,
  verdict: Verdict,
  { component = "model.layers", suspectComponent = component, layers, ...given }: GivenFinding = {},
): ComponentFinding {
  const inStack = (of: Fingerprint, name: string) => of.sketches.filter((sketch) => sketch.component === name);
  const [own, other] = [inStack(suspect, suspectComponent), inStack(base, component)];
  const numbers = new Set(other.filter(({ layer }) => own.some((one) => one.layer === layer)).map((s) => s.layer));
  const hits = layers ?? [...numbers].map((number) => [number, number] as const);
  const pairs = hits.flatMap(([mine, theirs]) =>
    own.flatMap((sketch) => {
      const partner = other.find((one) => one.layer === theirs && one.role === sketch.role);
      return sketch.layer === mine && partner !== undefined ? [{ suspect: sketch, base: partner }] : [];
    }),
  );
  const laid = hits
    .filter(([, theirs]) => theirs >= 0)
    .map(([mine, theirs]): LayerPair => ({ component, suspect: mine, base: theirs, log10P: -20, agreement: 0.9 }));
  const { learned = null } = given.verdict ?? {};
  return {
    sharesTraining: verdict === "derived",
    isSimple: false,
    isMinor: false,
    stacks: 1,
    slices: [],
    ...given,
    verdict: {
      component,
      suspectComponent,
      verdict,
      log10P: -100,
      r: 0.5,
      retention: learned?.baseInSuspect.share ?? null,
      learned,
      reason: null,
      ...given.verdict,
    },
    pairing: { component, suspectComponent, pairs, layers: laid, log10Tried: 0, ...given.pairing },
    tested: { tests: [], log10P: -100, reach: -200, r: 0.5 },
    support: given.support == null ? null : supportOf(given.support),
  };
}

function supportOf(given: Partial<Support>): Support {
  const figures = { of: "layers", agreeing: 4, tested: 4, agreeingMatrices: 4, matrices: 4 } as const;
  return { ...figures, sigmas: new Map(), pairs: [], enough: true, whole: true, ...given };
}

/** A slice of two matrices of which the one was trained on from the other. */
export function sliceFound(change: Partial<SliceRetention> = {}): SliceRetention {
  const plain = { scale: 1, reverseScale: 1, drift: 0.1, rank: { kind: "full" }, forward: { bulk: 1 } };
  return { layer: 0, role: "q", ...plain, ...change } as SliceRetention;
}

/** A difference of so many directions. */
export function lowRank(rank: number): DifferenceRank {
  return { kind: "low", rank, spectrum: [] };
}

/** A model whose matrices have these moments. */
export function looking(fingerprint: Fingerprint, moments: Partial<MatrixSketch["moments"]>): Fingerprint {
  return {
    ...fingerprint,
    sketches: fingerprint.sketches.map((s) => ({ ...s, moments: { ...s.moments, ...moments } })),
  };
}

/** A file that says of itself what its tensors are. */
export function saying(scheme: string): Partial<Subject> {
  const tensors = new Map([["a", { scheme, levels: {} }]]);
  return { checkpoint: { tensors } as unknown as Checkpoint };
}
