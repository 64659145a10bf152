import type { PolarCode } from "./polar-code.ts";

/** One surviving path: its information bits and ln P(path | channel) under equally likely words u, frozen bits included. */
export interface ListPath {
  readonly information: Uint8Array;
  readonly logMass: number;
}

export interface DecodedList {
  /** Likeliest first. */
  readonly paths: readonly ListPath[];
  /**
   * ln of the estimated probability of all code words that left the list: every pruned branch at phase i counts its mass
   * times 2^-(frozen bits still to come), the share of its leaves that a random continuation would have in the code
   * (Yuan, Medard, Galligan and Duffy, "Soft-output successive cancellation list decoding", 2023). -Infinity when none.
   */
  readonly prunedLogMass: number;
}

/** A path under decoding. Level l (1 .. n) of both arrays starts at N - (N >> (l - 1)) and has N >> l entries. */
interface Branch {
  readonly llr: Float64Array;
  /** Partial sums of left children that wait for their right sibling. */
  readonly left: Uint8Array;
  readonly information: Uint8Array;
  logMass: number;
}

/**
 * Successive cancellation list decoding (Tal and Vardy 2015) in the LLR domain with the exact check-node rule and the
 * exact path metric (Balatsoukas-Stimming, Parizi and Burg 2015): masses of paths are probabilities and can be compared
 * with what was pruned. `llr[i]` = ln P(y | x_i = 0) / P(y | x_i = 1). Ties go to the older path and to bit 0.
 */
export function decodeList(code: PolarCode, llr: Float64Array, listSize: number): DecodedList {
  const { length: n, information } = code;
  let paths = [newBranch(n, information.length)];
  const spare = Array.from({ length: listSize - 1 }, () => newBranch(n, information.length));
  let prunedLogMass = Number.NEGATIVE_INFINITY;
  const word = new Uint8Array(n);
  let known = 0;
  for (let phase = 0; phase < n; phase++) {
    for (const path of paths) descend(path, llr, phase, n);
    const leaf = n - 2;
    if (information[known] !== phase) {
      for (const path of paths) {
        path.logMass -= softplus(-path.llr[leaf]!);
        ascend(path, 0, phase, n, word);
      }
      continue;
    }
    const frozenAhead = n - phase - (information.length - known);
    const forks = paths.flatMap((path, index) =>
      [0, 1].map((bit) => ({
        index,
        bit,
        logMass: path.logMass - softplus(bit === 0 ? -path.llr[leaf]! : path.llr[leaf]!),
      })),
    );
    if (forks.length > listSize) forks.sort((a, b) => b.logMass - a.logMass || a.index - b.index || a.bit - b.bit);
    for (const { logMass } of forks.splice(listSize)) {
      prunedLogMass = logAdd(prunedLogMass, logMass - frozenAhead * Math.LN2);
    }
    paths = fork(paths, forks, spare);
    for (const [i, { bit, logMass }] of forks.entries()) {
      const path = paths[i]!;
      path.logMass = logMass;
      path.information[known] = bit;
      ascend(path, bit, phase, n, word);
    }
    known += 1;
  }
  return { paths: paths.sort((a, b) => b.logMass - a.logMass), prunedLogMass };
}

/** ln(e^a + e^b) */
export function logAdd(a: number, b: number): number {
  const large = Math.max(a, b);
  return large === Number.NEGATIVE_INFINITY ? large : large + Math.log1p(Math.exp(Math.min(a, b) - large));
}

/** ln(1 + e^x) */
export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

function newBranch(n: number, bits: number): Branch {
  return { llr: new Float64Array(n - 1), left: new Uint8Array(n - 1), information: new Uint8Array(bits), logMass: 0 };
}

/** One branch per fork, in the order of the forks; dead branches go back to `spare`, second children take from it. */
function fork(paths: Branch[], forks: readonly { index: number }[], spare: Branch[]): Branch[] {
  const children = new Uint8Array(paths.length);
  for (const { index } of forks) children[index]! += 1;
  paths.forEach((path, index) => {
    if (children[index] === 0) spare.push(path);
  });
  const taken = new Set<number>();
  return forks.map(({ index }) => {
    const parent = paths[index]!;
    if (!taken.has(index)) {
      taken.add(index);
      return parent;
    }
    const child = spare.pop() as Branch;
    child.llr.set(parent.llr);
    child.left.set(parent.left);
    child.information.set(parent.information);
    return child;
  });
}

/** Renews the LLRs on the way to leaf `phase`: a variable node where the path turns right, check nodes below it. */
function descend({ llr, left }: Branch, channel: Float64Array, phase: number, n: number): void {
  const top = phase === 0 ? n / 2 : phase & -phase;
  for (let size = top; size >= 1; size /= 2) {
    const at = n - 2 * size;
    const parent = 2 * size === n ? channel : llr;
    const from = 2 * size === n ? 0 : n - 4 * size;
    if (size === top && phase !== 0) {
      for (let i = 0; i < size; i++) {
        const upper = parent[from + i]!;
        llr[at + i] = parent[from + size + i]! + (left[at + i] === 0 ? upper : -upper);
      }
    } else {
      for (let i = 0; i < size; i++) llr[at + i] = checkNode(parent[from + i]!, parent[from + size + i]!);
    }
  }
}

/** Carries a decided bit up: right children join their left siblings until a left child has to wait. */
function ascend({ left }: Branch, bit: number, phase: number, n: number, word: Uint8Array): void {
  // The word decided so far stands at the end of the scratch array, so that joining only writes before it.
  word[n - 1] = bit;
  for (let half = 1; half < n; half *= 2) {
    const at = n - 2 * half;
    if ((phase & half) === 0) {
      for (let i = 0; i < half; i++) left[at + i] = word[n - half + i]!;
      return;
    }
    for (let i = 0; i < half; i++) word[at + i] = left[at + i]! ^ word[n - half + i]!;
  }
}

/** LLR of the sum of two bits: ln((1 + e^(a + b)) / (e^a + e^b)). */
function checkNode(a: number, b: number): number {
  const least = Math.min(Math.abs(a), Math.abs(b));
  const correction = Math.log((1 + Math.exp(-Math.abs(a + b))) / (1 + Math.exp(-Math.abs(a - b))));
  return (a < 0 === b < 0 ? least : -least) + correction;
}
