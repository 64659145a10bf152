import type { Fingerprint, Sketch } from "../fingerprint/fingerprint.ts";
import { type Layer, layersOf } from "./layer-matrix.ts";
import { EMBEDDINGS } from "./result.ts";

/** Stacks that are looked at, the largest: more than any model has. */
const MAX_STACKS = 64;

/** One stack of a model: the part of its fingerprint that lies below one path. */
export interface Stack {
  readonly name: string;
  readonly sketches: readonly Sketch[];
  /** Numbered layers, ascending; none for a group of matrices outside of layers. */
  readonly layers: readonly Layer[];
  /** Matrices outside of layers, in the order of their names. */
  readonly flat: readonly Sketch[];
  /** Elements of the sketched matrices. */
  readonly parameters: number;
}

const known = new WeakMap<Fingerprint, readonly Stack[]>();

/** The stacks of a model but for its token tables, the largest first. */
export function stacksOf(fingerprint: Fingerprint): readonly Stack[] {
  let stacks = known.get(fingerprint);
  if (stacks === undefined) {
    const byName = new Map<string, Sketch[]>();
    for (const s of fingerprint.sketches) {
      if (s.tokens || s.twin || s.component === EMBEDDINGS) continue;
      const list = byName.get(s.component);
      if (list) list.push(s);
      else byName.set(s.component, [s]);
    }
    const size = (list: readonly Sketch[]): number => list.reduce((sum, s) => sum + s.rows * s.cols, 0);
    stacks = [...byName]
      .map(([name, sketches]) => ({ name, sketches, parameters: size(sketches) }))
      .sort((a, b) => b.parameters - a.parameters || (a.name < b.name ? -1 : 1))
      .slice(0, MAX_STACKS)
      .map((stack) => ({
        ...stack,
        layers: layersOf(stack.sketches),
        flat: stack.sketches.filter((s) => s.layer < 0),
      }));
    known.set(fingerprint, stacks);
  }
  return stacks;
}

/** Stacks that hold at least this share of a model's matrices are what a model is; heads and projectors come and go. */
const MAIN_SHARE = 0.2;

export function isMain({ parameters: own }: Pick<Stack, "parameters">, all: readonly Stack[]): boolean {
  return own >= MAIN_SHARE * all.reduce((sum, { parameters }) => sum + parameters, 0);
}
