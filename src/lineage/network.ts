import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";
import type { Pairing } from "./pairing.ts";
import { isMain, stacksOf } from "./stack.ts";
import { stackGroups } from "./stack-groups.ts";

/** Roles whose rows count the heads of attention. */
export const ATTENTION: ReadonlySet<string> = new Set(["q", "k", "v", "qkv"]);

/** Whether all of attention and the network behind it are among the matrices, by the names of one model. */
export function isNetwork({ pairs }: Pick<Pairing, "pairs">): boolean {
  return (["suspect", "base"] as const).some((side) => isWhole(pairs.map((pair) => pair[side])));
}

/**
 * Whether they are among the matrices of the stack that was tested, of either model, whichever of them were paired. Content
 * pairs matrices of any stack: of each large one, for what a small attention may be told by says nothing of other nets.
 */
export function isOfNetwork(suspect: Fingerprint, base: Fingerprint, pairing: Pairing): boolean {
  const isOf = (pairs: Pairing["pairs"], component: string, suspectComponent: string): boolean => {
    const stacks = [
      stacksOf(suspect).find(({ name }) => name === suspectComponent),
      stacksOf(base).find(({ name }) => name === component),
    ];
    return isNetwork({ pairs }) || stacks.some((stack) => stack !== undefined && isWhole(stack.sketches));
  };
  if (pairing.isChosen !== true) return isOf(pairing.pairs, pairing.component, pairing.suspectComponent);
  const groups = stackGroups(pairing.pairs);
  return groups
    .filter((group) => isMain(group, groups))
    .every(({ pairs }) => isOf(pairs, pairs[0]!.base.component, pairs[0]!.suspect.component));
}

function isWhole(matrices: readonly Pick<MatrixSketch, "role">[]): boolean {
  const roles = new Set<string>(matrices.map(({ role }) => role));
  const has = (...all: string[]): boolean => all.every((role) => roles.has(role));
  return (has("qkv") || has("q", "k", "v")) && has("o", "up", "down");
}

/** Share of matrices that must be kernels of several places among those that agree: a bottleneck has one in three. */
const WIDE_SHARE = 0.25;

/** Whether most of the matrices are kernels, and some of them of more than one place. */
export function areKernels({ tensors }: Fingerprint, pairs: Pairing["pairs"]): boolean {
  // Kernels lie in several ways: the places are the smallest axes, and the columns any of the others.
  const wide = new Set(
    tensors.flatMap(({ shape }) => {
      const size = shape.reduce((product, n) => product * n, 1);
      const [most = 1, next = 1] = [...shape].sort((x, y) => y - x);
      return shape.length > 2 && size > most * next ? shape.map((cols) => `${size / cols}x${cols}`) : [];
    }),
  );
  const kernels = pairs.filter(({ base }) => base.role === "conv");
  const isWide =
    kernels.filter(({ base }) => wide.has(`${base.rows}x${base.cols}`)).length >= WIDE_SHARE * pairs.length;
  return isWide && 2 * kernels.length > pairs.length;
}
