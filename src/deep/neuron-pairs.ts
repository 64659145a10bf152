import { matmul } from "../kernels/matmul.ts";
import { nearestByCosine } from "./nearest.ts";
import { unitRows } from "./take.ts";
import type { NeuronViews } from "./views.ts";

export type NeuronRole = "gate" | "up" | "down";

/** Networks of two models in common coordinates, and how many neurons both have where the one was made of the other. */
export interface SeenNetworks {
  readonly a: NeuronViews;
  readonly b: NeuronViews;
  readonly common: number;
  /** Whether rows of both are equally long for equal weights: in a frame of drifted tokens they are not. */
  readonly measurable: boolean;
}

/** Places of neurons that belong together: of the first model and of the second. */
type Pairs = readonly (readonly [number, number])[];

/** Neurons paired from one side, to be measured from the other: chosen by what is measured, strangers are alike. */
export interface PairedSide {
  readonly pairs: Pairs;
  /** Views by which the pairs were found, and those that took no part in it. */
  readonly by: readonly NeuronRole[];
  readonly measured: readonly NeuronRole[];
}

/** Share of the pairs of either side that stand in one place in both models, from which neurons are where they were. */
const IN_PLACE = 0.95;
/** Share of a layer's neurons that both sides must find in one and the same other neuron. */
const MOST = 0.5;
const LEAST_NEURONS = 32;

/**
 * Neurons of two networks that belong together, twice: by what opens them and by what else they read and write. Where they kept
 * their numbers all are taken, in their places, so that nothing was chosen. Else those that are each other's nearest; and where
 * these are less than half of a layer, none: the few that two trainings of one start still have in common are its best, and
 * say more of a training than there is. Empty too where a network has one view alone.
 */
export function pairedSides({ a, b, common }: SeenNetworks): readonly PairedSide[] {
  const opens: NeuronRole = a.gate !== null && b.gate !== null ? "gate" : "up";
  const others = (["up", "down"] as const).filter((role) => role !== opens && a[role] !== null && b[role] !== null);
  if (a[opens] === null || b[opens] === null || others.length === 0) return [];
  const byOpens = nearest(cosines(a, b, opens), a, b);
  const byOthers = nearest(together(a, b, others, opens === "gate"), a, b);
  const sides = (first: Pairs, second: Pairs): readonly PairedSide[] => [
    { pairs: first, by: [opens], measured: others },
    { pairs: second, by: others, measured: [opens] },
  ];
  if (isInPlace(byOpens) && isInPlace(byOthers)) {
    const same = Array.from({ length: Math.min(a.neurons, b.neurons) }, (_, i) => [i, i] as const);
    return sides(same, same);
  }
  const found = new Map(byOpens.map(([i, j]) => [j, i]));
  const agreed = byOthers.filter(([i, j]) => found.get(j) === i).length;
  return agreed < Math.max(LEAST_NEURONS, MOST * common) ? [] : sides(byOpens, byOthers);
}

function isInPlace(pairs: Pairs): boolean {
  return pairs.length >= LEAST_NEURONS && pairs.filter(([i, j]) => i === j).length >= IN_PLACE * pairs.length;
}

function nearest(values: Float32Array, a: NeuronViews, b: NeuronViews): Pairs {
  return nearestByCosine(values, a.neurons, b.neurons);
}

function cosines(a: NeuronViews, b: NeuronViews, role: NeuronRole): Float32Array {
  const [x, y] = [unitRows(a[role]!, a.width), unitRows(b[role]!, b.width)];
  return matmul(x, y, { rows: a.neurons, depth: a.width, columns: b.neurons, transposedB: true });
}

/** What a neuron reads and writes, as one: beside a gate the two may carry a sign that cancels. */
function together(a: NeuronViews, b: NeuronViews, roles: readonly NeuronRole[], isGated: boolean): Float32Array {
  const [first, second] = roles.map((role) => cosines(a, b, role));
  if (second === undefined) return isGated ? first!.map(Math.abs) : first!;
  return first!.map((value, i) => value * second[i]!);
}
