import type { Fingerprint, Sketch } from "../fingerprint/fingerprint.ts";
import type { Pairing } from "./pairing.ts";
import { stacksOf } from "./stack.ts";

/** Roles whose rows count the heads of attention. */
export const ATTENTION: ReadonlySet<string> = new Set(["q", "k", "v", "qkv"]);

/** Whether all of attention and the network behind it are among the matrices, by the names of one model. */
export function isNetwork({ pairs }: Pairing): boolean {
  return (["suspect", "base"] as const).some((side) => isWhole(pairs.map((pair) => pair[side])));
}

/** Whether they are among the matrices of the stack that was tested, of either model, whichever of them were paired. */
export function isOfNetwork(suspect: Fingerprint, base: Fingerprint, pairing: Pairing): boolean {
  const stacks = [
    stacksOf(suspect).find(({ name }) => name === pairing.suspectComponent),
    stacksOf(base).find(({ name }) => name === pairing.component),
  ];
  return isNetwork(pairing) || stacks.some((stack) => stack !== undefined && isWhole(stack.sketches));
}

function isWhole(matrices: readonly Pick<Sketch, "role">[]): boolean {
  const roles = new Set<string>(matrices.map(({ role }) => role));
  const has = (...all: string[]): boolean => all.every((role) => roles.has(role));
  return (has("qkv") || has("q", "k", "v")) && has("o", "up", "down");
}

/** Whether most of the matrices are kernels, in a model of which some are of more than one place. */
export function areKernels({ tensors }: Fingerprint, { pairs }: Pairing): boolean {
  const isWide = tensors.some(({ shape }) => shape.slice(2).reduce((product, n) => product * n, 1) > 1);
  return isWide && 2 * pairs.filter(({ base }) => base.role === "conv").length > pairs.length;
}
