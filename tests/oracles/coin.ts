/**
 * Sign of column `j`: 16 bytes serve 128 columns; seen as eight little-endian 16-bit words, bit 15 - t of word l is the
 * sign of column 8 t + l, set for -1.
 */
export function coinOf(coins: Uint8Array, j: number): 1 | -1 {
  const word = 16 * (j >> 7) + 2 * (j & 7);
  const bits = coins[word]! | (coins[word + 1]! << 8);
  return (bits >> (15 - ((j & 127) >> 3))) & 1 ? -1 : 1;
}
