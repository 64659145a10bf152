/** What is compared at each position: the distributions that two models give the token after it. */
export interface PositionScores {
  /** Nats: -ln p(next token). */
  readonly nllA: Float64Array;
  readonly nllB: Float64Array;
  /** KL(A || B) in nats. */
  readonly divergence: Float64Array;
  /** 1 where both models put the same token first. */
  readonly agreement: Uint8Array;
}

/**
 * Takes the logits of two models band by band of the vocabulary and keeps sums per position only. With running maxima
 * a, b: sum e^(A - a), sum e^(B - b), sum e^(A - a) (A - B), from which ln-sum-exp and KL follow; all in f64.
 */
export class LogitComparison {
  /** Largest |A - B| over all logits; NaN once a difference is none. */
  maxDifference = 0;
  /** Whether all logits are equal to the bit. */
  bitEqual = true;
  readonly #targets: Int32Array;
  readonly #a: RunningSum;
  readonly #b: RunningSum;
  readonly #cross: Float64Array;

  /** `targets`: the token that follows each position. */
  constructor(targets: Int32Array) {
    this.#targets = targets;
    this.#a = new RunningSum(targets.length);
    this.#b = new RunningSum(targets.length);
    this.#cross = new Float64Array(targets.length);
  }

  /** Logits [positions x count] of the tokens from `first` on. */
  add(first: number, count: number, a: Float32Array, b: Float32Array): void {
    if (this.bitEqual) this.bitEqual = sameBits(a, b);
    for (let t = 0; t < this.#targets.length; t++) {
      const rowA = a.subarray(t * count, (t + 1) * count);
      const rowB = b.subarray(t * count, (t + 1) * count);
      this.#cross[t]! *= this.#a.raise(t, rowA, first);
      this.#b.raise(t, rowB, first);
      this.#sum(t, rowA, rowB);
      const target = this.#targets[t]! - first;
      if (target >= 0 && target < count) {
        this.#a.target[t] = rowA[target]!;
        this.#b.target[t] = rowB[target]!;
      }
    }
  }

  scores(): PositionScores {
    const n = this.#targets.length;
    const [nllA, nllB, divergence] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
    const agreement = new Uint8Array(n);
    for (let t = 0; t < n; t++) {
      const [a, b] = [this.#a.logSum(t), this.#b.logSum(t)];
      nllA[t] = a - this.#a.target[t]!;
      nllB[t] = b - this.#b.target[t]!;
      divergence[t] = this.#cross[t]! / this.#a.sum[t]! - (a - b);
      // No token comes first where no logit is a number.
      agreement[t] = this.#a.best[t] === this.#b.best[t] && this.#a.best[t] !== -1 ? 1 : 0;
    }
    return { nllA, nllB, divergence, agreement };
  }

  #sum(t: number, a: Float32Array, b: Float32Array): void {
    const [mostA, mostB] = [this.#a.most[t]!, this.#b.most[t]!];
    let [sumA, sumB, cross, largest] = [0, 0, 0, this.maxDifference];
    for (let i = 0; i < a.length; i++) {
      const difference = a[i]! - b[i]!;
      const p = Math.exp(a[i]! - mostA);
      sumA += p;
      sumB += Math.exp(b[i]! - mostB);
      cross += p * difference;
      largest = Math.max(largest, Math.abs(difference));
    }
    this.maxDifference = largest;
    this.#a.sum[t]! += sumA;
    this.#b.sum[t]! += sumB;
    this.#cross[t]! += cross;
  }
}

/** ln-sum-exp of each position under a maximum that grows. */
class RunningSum {
  readonly most: Float64Array;
  readonly sum: Float64Array;
  readonly best: Int32Array;
  readonly target: Float64Array;

  constructor(positions: number) {
    this.most = new Float64Array(positions).fill(Number.NEGATIVE_INFINITY);
    this.sum = new Float64Array(positions);
    this.best = new Int32Array(positions).fill(-1);
    this.target = new Float64Array(positions).fill(Number.NaN);
  }

  /** Takes the maximum of more logits; the factor by which sums under the old one shrink. */
  raise(t: number, row: Float32Array, first: number): number {
    const before = this.most[t]!;
    let [most, best] = [before, this.best[t]!];
    for (let i = 0; i < row.length; i++) {
      if (row[i]! > most) {
        most = row[i]!;
        best = first + i;
      }
    }
    this.best[t] = best;
    this.most[t] = most;
    const factor = most === before ? 1 : Math.exp(before - most);
    this.sum[t]! *= factor;
    return factor;
  }

  logSum(t: number): number {
    return this.most[t]! + Math.log(this.sum[t]!);
  }
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [x, y] = [a, b].map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  return x!.equals(y!);
}
