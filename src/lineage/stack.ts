import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { Layer } from "./layer.ts";
import { layersOf } from "./layer-matrix.ts";
import { EMBEDDINGS } from "./result.ts";

/** Stacks that are looked at, the largest: more than any model has. */
const MAX_STACKS = 64;

/** One stack of a model: the part of its fingerprint that lies below one path. */
export interface Stack {
  readonly name: string;
  readonly sketches: readonly MatrixSketch[];
  /** Numbered layers, ascending; none for a group of matrices outside of layers. */
  readonly layers: readonly Layer[];
  /** Matrices outside of layers, in the order of their names. */
  readonly flat: readonly MatrixSketch[];
  /** Elements of the sketched matrices. */
  readonly parameters: number;
}

/** The stacks of a model that are looked at, and how many stacks and layers it has beyond what is. */
interface Stacks {
  readonly stacks: readonly Stack[];
  readonly beyond: { readonly stacks: number; readonly layers: number };
}

const known = new WeakMap<Fingerprint, Stacks>();

/** The stacks of a model but for its token tables, the largest first. */
export function stacksOf(fingerprint: Fingerprint): readonly Stack[] {
  return gathered(fingerprint).stacks;
}

/** Stacks, and layers of the stacks that are looked at, that no test looks at: no model has so many. */
export function beyondLimits(fingerprint: Fingerprint): Stacks["beyond"] {
  return gathered(fingerprint).beyond;
}

function gathered(fingerprint: Fingerprint): Stacks {
  let found = known.get(fingerprint);
  if (found === undefined) {
    const byName = new Map<string, MatrixSketch[]>();
    for (const s of fingerprint.sketches) {
      if (s.tokens || s.twin || s.component === EMBEDDINGS) continue;
      const list = byName.get(s.component);
      if (list) list.push(s);
      else byName.set(s.component, [s]);
    }
    const size = (list: readonly MatrixSketch[]): number => list.reduce((sum, s) => sum + s.rows * s.cols, 0);
    const stacks = [...byName]
      .map(([name, sketches]) => ({ name, sketches, parameters: size(sketches) }))
      .sort((a, b) => b.parameters - a.parameters || (a.name < b.name ? -1 : 1))
      .slice(0, MAX_STACKS)
      .map((stack) => ({
        ...stack,
        layers: layersOf(stack.sketches),
        flat: stack.sketches.filter((s) => s.layer < 0),
      }));
    const numbers = stacks.map(({ sketches }) => new Set(sketches.flatMap(({ layer }) => (layer < 0 ? [] : [layer]))));
    const layers = stacks.reduce((sum, stack, i) => sum + numbers[i]!.size - stack.layers.length, 0);
    found = { stacks, beyond: { stacks: byName.size - stacks.length, layers } };
    known.set(fingerprint, found);
  }
  return found;
}

/** Stacks that hold at least this share of a model's matrices are what a model is; heads and projectors come and go. */
const MAIN_SHARE = 0.2;

export function isMain(
  { parameters: own }: Pick<Stack, "parameters">,
  all: readonly Pick<Stack, "parameters">[],
): boolean {
  return own >= MAIN_SHARE * all.reduce((sum, { parameters }) => sum + parameters, 0);
}
