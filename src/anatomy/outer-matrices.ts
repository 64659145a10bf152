import type { CanonicalTensor, Gain } from "./anatomy.ts";
import type { ComponentFacts, ComponentOf } from "./component.ts";
import type { Parameter } from "./layer.ts";
import { outerRole } from "./outer-table.ts";
import { plainView, transposedView } from "./view.ts";

/** Linears outside the layers that read the last norm directly. */
const READS_FINAL_NORM = new Set(["project_out", "text_projection", "visual_projection", "visual.proj", "score"]);

/** Matrices outside the layers that the tables know: embeddings, heads, projections; the others come back in `unknown`. */
export function outerMatrices(
  outside: readonly Parameter[],
  componentOf: ComponentOf,
  factsOf: (component: string) => ComponentFacts,
): { readonly matrices: CanonicalTensor[]; readonly unknown: Parameter[] } {
  const matrices: CanonicalTensor[] = [];
  const unknown: Parameter[] = [];
  for (const parameter of outside) {
    const { name, shape, tensor } = parameter;
    if (shape.length < 2 || name.suffix === "bias") continue;
    const role = outerRole(name.pattern);
    if (role === undefined || shape.includes(0)) {
      unknown.push(parameter);
      continue;
    }
    const component = componentOf(name.stem.split("."));
    const facts = factsOf(component);
    const readsNorm =
      role === "head"
        ? !facts.projectsOut
        : READS_FINAL_NORM.has(name.stem.split(".").slice(-1)[0] as string) || name.stem.endsWith("visual.proj");
    const gain: Gain | null =
      readsNorm && facts.finalNorm !== null ? { tensor: facts.finalNorm, plusOne: facts.plusOne } : null;
    const place = { component, layer: -1, expert: -1, role, tensor, gain };
    matrices.push(
      isInOut(parameter) ? transposedView(place, shape[1] as number, shape[0] as number) : flat(place, shape),
    );
  }
  return { matrices, unknown };
}

/** OpenCLIP and Gemma 3 keep projections as bare [in, out] parameters. */
function isInOut({ name, shape }: Parameter): boolean {
  const bare = name.suffix === "" && /(?:^|\.)(?:text_projection|visual\.proj)$/.test(name.stem);
  return shape.length === 2 && (bare || name.stem.endsWith("mm_input_projection"));
}

/** Convolutions and broadcast tables as matrices: a patch kernel has one row per channel, a table one row per position. */
function flat(place: Parameters<typeof plainView>[0], shape: readonly number[]): CanonicalTensor {
  const count = shape.reduce((product, n) => product * n, 1);
  const rows = place.role === "patch" ? (shape[0] as number) : count / (shape.at(-1) as number);
  return plainView(place, rows, count / rows);
}
