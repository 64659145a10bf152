import type { CanonicalTensor, Role } from "./anatomy.ts";
import { type ComponentFacts, type ComponentOf, finalGain } from "./component.ts";
import { kernelOf } from "./convolution.ts";
import type { Parameter } from "./layer.ts";
import type { Found } from "./layer-matrices.ts";
import { outerRole } from "./outer-table.ts";
import { plainView, transposedView } from "./view.ts";
import { outerRoleFromWords } from "./words.ts";

/** Kernels that cut an image into patches, and tables that only look like kernels. */
const FLAT_KERNELS: ReadonlySet<Role> = new Set<Role>(["patch", "position", "token_type"]);

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
    if (shape.length < 2 || name.suffix === "bias" || isStackedNorm(parameter)) continue;
    const known = outerRole(name.pattern);
    const role = known ?? guessedRole(parameter);
    if (role === undefined || shape.includes(0) || (!FLAT_KERNELS.has(role) && kernelOf(shape, tensor) !== null)) {
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

/** One row is a class or mask token, whatever its words; a table is called one by the last word of its path. */
function guessedRole({ name, shape }: Parameter): Role | undefined {
  if (shape.slice(0, -1).every((n) => n === 1)) return undefined;
  const role = outerRoleFromWords(name.stem);
  if (role !== "embed" && role !== "head") return role;
  // What is numbered below a head is one of its layers, and no table.
  if (role === "head" && /\.[0-9]+$/.test(name.stem)) return "other";
  const own = name.stem.split(".").findLast((segment) => !/^[0-9]+$/.test(segment)) ?? "";
  return outerRoleFromWords(own) === role ? role : undefined;
}

/** Norms of several layers in one tensor are no matrix, and no table. */
function isStackedNorm({ shape, name }: Parameter): boolean {
  return shape.length === 2 && /(?:norm|ln|scale)_?[0-9a-z]?$/i.test(name.stem);
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

/** Names that mean a table of tokens and nothing else. */
const CERTAIN_HEAD =
  /(?:^|\.)(?:lm_head|lm_head\.decoder|embed_out|predictions\.decoder|vocab_projector)(?:\.weight)?$/;
const READS_STREAM: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "qkv", "gate", "up", "embed"]);

/**
 * A head reads the stream of a language model. "output" and "classifier" are also what the last linear of any network is
 * called: where nothing else has its width, it is one of those.
 */
export function withoutStrayHeads(matrices: readonly CanonicalTensor[]): readonly CanonicalTensor[] {
  const streams = new Set(matrices.filter(({ role }) => READS_STREAM.has(role)).map(({ cols }) => cols));
  return matrices.map((matrix) => {
    if (matrix.role !== "head" || streams.has(matrix.cols) || CERTAIN_HEAD.test(matrix.tensor)) return matrix;
    return { ...matrix, role: "unknown", gain: null };
  });
}
