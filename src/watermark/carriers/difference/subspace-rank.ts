/** Singular directions per matrix, the most first. */
const RANKS = [32, 16, 8] as const;
/** Bytes that the planned factors of all matrices may take: 2 x rank x (rows + cols) floats each. */
const MAX_FACTORS = 256 << 20;

/** The largest rank whose factors fit into memory together. Follows from the base's shapes, which both sides know. */
export function subspaceRank(matrices: readonly { readonly rows: number; readonly cols: number }[]): number {
  const sides = matrices.reduce((sum, { rows, cols }) => sum + rows + cols, 0);
  return RANKS.find((rank) => 2 * rank * sides * 4 <= MAX_FACTORS) ?? RANKS.at(-1)!;
}
