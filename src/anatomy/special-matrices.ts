import type { CanonicalTensor } from "./anatomy.ts";
import { convolution } from "./convolution.ts";
import type { Parameter } from "./layer.ts";
import type { Reach } from "./reach.ts";
import { recurrent, recurrentCells } from "./recurrent.ts";
import type { Unknown } from "./unknown.ts";
import type { Place } from "./view.ts";

export interface SpecialMatrices {
  readonly matrices: readonly CanonicalTensor[];
  /** By tensor. */
  readonly reaches: ReadonlyMap<string, Reach>;
  readonly rest: readonly Unknown[];
}

/** Convolutions and recurrent cells among what no name of a transformer explains. */
export function specialMatrices(unknown: readonly Unknown[], parameters: readonly Parameter[]): SpecialMatrices {
  const cells = recurrentCells(parameters);
  const matrices: CanonicalTensor[] = [];
  const reaches = new Map<string, Reach>();
  const rest: Unknown[] = [];
  for (const one of unknown) {
    const { parameter, component, stack, layer } = one;
    const place: Place = {
      component,
      stack,
      layer,
      expert: parameter.name.expert,
      role: parameter.shape.length > 2 ? "conv" : "unknown",
      tensor: parameter.tensor,
      gain: null,
    };
    const found = convolution(parameter, place) ?? recurrent(parameter, cells, place);
    if (found === null) {
      rest.push(one);
      continue;
    }
    matrices.push(found.view);
    reaches.set(parameter.tensor, found.reach);
  }
  return { matrices, reaches, rest };
}
