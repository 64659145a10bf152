import type { CanonicalTensor } from "./anatomy.ts";
import type { Parameter } from "./layer.ts";
import { readShapes, type Shape } from "./shapes.ts";
import { plainView, transposedView } from "./view.ts";

/** A parameter that no name explains, with the place that is known of it. */
export interface Unknown {
  readonly parameter: Parameter;
  readonly component: string;
  /** -1 when no number in the name counts layers. */
  readonly layer: number;
}

/**
 * Matrices of role `unknown`. Where names explain less than half of a component, shapes and repetition give the
 * candidates; elsewhere the leftovers are some part of their own, of which the other tensors' shapes say nothing.
 */
export function unknownMatrices(
  unknown: readonly Unknown[],
  known: readonly CanonicalTensor[],
): readonly CanonicalTensor[] {
  const knownCount = new Map<string, number>();
  for (const { component } of known) knownCount.set(component, (knownCount.get(component) ?? 0) + 1);
  const byComponent = new Map<string, Unknown[]>();
  for (const one of unknown) {
    const { rows, cols } = flatShape(one.parameter.shape);
    if (rows < 2 || cols < 2) continue;
    const list = byComponent.get(one.component);
    if (list === undefined) byComponent.set(one.component, [one]);
    else list.push(one);
  }
  const matrices: CanonicalTensor[] = [];
  for (const [component, list] of byComponent) {
    const read =
      list.length > (knownCount.get(component) ?? 0)
        ? readShapes(list.map(({ parameter }) => flatShape(parameter.shape)))
        : null;
    for (const { parameter, layer } of list) {
      const { rows, cols } = flatShape(parameter.shape);
      const { tensor, name } = parameter;
      const place = { component, layer, expert: name.expert, role: "unknown", tensor, gain: null } as const;
      const reading = parameter.shape.length === 2 ? read?.({ rows, cols }) : undefined;
      const view = reading?.transposed === true ? transposedView(place, cols, rows) : plainView(place, rows, cols);
      const candidates = reading?.candidates ?? [];
      matrices.push(candidates.length === 0 ? view : { ...view, candidates });
    }
  }
  return matrices;
}

/** Convolutions and stacks are flattened to their last axis. */
function flatShape(shape: readonly number[]): Shape {
  return { rows: shape.slice(0, -1).reduce((product, n) => product * n, 1), cols: shape.at(-1) as number };
}
