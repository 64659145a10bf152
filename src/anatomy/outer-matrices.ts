import type { CanonicalTensor, Role } from "./anatomy.ts";
import { type ComponentFacts, type ComponentOf, finalGain } from "./component.ts";
import type { Parameter } from "./layer.ts";
import type { Found } from "./layer-matrices.ts";
import { outerRole } from "./outer-table.ts";
import { plainView, transposedView } from "./view.ts";
import { outerRoleFromWords } from "./words.ts";

/** Linears outside the layers that read the last norm directly. */
const READS_FINAL_NORM = /(?:^|\.)(?:project_out|text_projection|visual_projection|visual\.proj|score)$/;

/** Matrices outside the layers that the tables know: embeddings, heads, projections; the others come back in `unknown`. */
export function outerMatrices(
  outside: readonly Parameter[],
  componentOf: ComponentOf,
  factsOf: (component: string) => ComponentFacts,
): Found {
  const matrices: CanonicalTensor[] = [];
  const unknown: Parameter[] = [];
  let guessed = 0;
  for (const parameter of outside) {
    const { name, shape, tensor } = parameter;
    if (shape.length < 2 || name.suffix === "bias") continue;
    const known = outerRole(name.pattern);
    // One row is a class or mask token, whatever its words.
    const role = known ?? (shape.slice(0, -1).every((n) => n === 1) ? undefined : outerRoleFromWords(name.stem));
    if (role === undefined || shape.includes(0)) {
      unknown.push(parameter);
      continue;
    }
    if (known === undefined) guessed += 1;
    const component = componentOf(name.stem.split("."));
    const facts = factsOf(component);
    const gain = readsFinalNorm(parameter, role, facts) ? finalGain(facts) : null;
    const place = { component, stack: "", layer: -1, expert: -1, role, tensor, gain };
    matrices.push(
      isInOut(parameter) ? transposedView(place, shape[1] as number, shape[0] as number) : flat(place, shape),
    );
  }
  return { matrices, unknown, guessed };
}

function readsFinalNorm({ name }: Parameter, role: Role, facts: ComponentFacts): boolean {
  if (role === "head") return !facts.projectsOut;
  return READS_FINAL_NORM.test(name.stem);
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
