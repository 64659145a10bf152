import { hammingMatrix } from "../kernels/bits.ts";
import { type MatrixPair, pairStack } from "./matrix-pair.ts";
import { rememberedByPair } from "./pair-memo.ts";
import { rowMeans, type SignStack } from "./sign-stack.ts";

/**
 * Standard deviations from which rows agree; of few rows, as a share of what they can show at most. Copies have 15 and more.
 * Rows that a public stream gave, and hidden units in an order of their own, had 5 in 1 of 3,000 pairs: the few directions that
 * stand out of both do not come apart row by row.
 */
const TELLING_SIGMA = 8;
/** Of m rows of n columns no more than sqrt((m - 1)(n - 1)) can be shown, nor more than m - 1: rows of two columns show 7.94. */
const MOST_OF_FEW = 0.9;
const FEWEST_ROWS = 8;
/** Where content chose the pair, it chose the one of which most rows agree. */
const FEWEST_CHOSEN = 16;

/**
 * Whether the rows of a pair of matrices agree one by one, each with its own more than with the others: what they write is
 * then the same in both models. What a row has in common over all columns says nothing of it: a public stream has means.
 */
export function rowsAgree(pair: MatrixPair, isChosen: boolean): boolean {
  if (pair.isEqual === true) return true;
  const { rows, agree } = agreement(pair);
  return agree && rows >= (isChosen ? FEWEST_CHOSEN : FEWEST_ROWS);
}

const agreement = rememberedByPair((pair: MatrixPair): { rows: number; agree: boolean } => {
  const stack = pairStack([pair]);
  if (stack === null) return { rows: 0, agree: false };
  const products = rowProducts(stack);
  const most = Math.min(stack.m - 1, Math.sqrt((stack.m - 1) * (stack.n - 1)));
  const needed = Math.min(TELLING_SIGMA, MOST_OF_FEW * most);
  // Rows may have been turned, their signs changed, in one of the models.
  const agree = [products, products.map(Math.abs)].some((of) => matchingZ(of, stack.m) >= needed);
  return { rows: stack.m, agree };
});

/** m x m inner products of the rows of both sides, centred over columns. */
function rowProducts({ m, n, words, a, b }: SignStack): Float64Array {
  const [meanA, meanB] = [rowMeans(a, m, words, n), rowMeans(b, m, words, n)];
  const distance = hammingMatrix(a, m, b, m, words);
  return Float64Array.from(distance, (d, at) => n - 2 * d - n * meanA[Math.floor(at / m)]! * meanB[at % m]!);
}

/**
 * The sum of the diagonal in standard deviations over all m! orders of the rows (Hoeffding 1951: the variance is the sum of
 * squares of the doubly centred products over m - 1).
 */
function matchingZ(products: Float64Array, m: number): number {
  const [row, col] = [new Float64Array(m), new Float64Array(m)];
  let mean = 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      const x = products[i * m + j]!;
      row[i]! += x / m;
      col[j]! += x / m;
      mean += x / (m * m);
    }
  }
  let [diagonal, squares] = [0, 0];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      const x = products[i * m + j]! - row[i]! - col[j]! + mean;
      squares += x * x;
      if (i === j) diagonal += x;
    }
  }
  return squares > 0 ? diagonal / Math.sqrt(squares / (m - 1)) : 0;
}
