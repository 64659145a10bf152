/** Number of ones in a 32-bit word, one at a time. */
export function ones(word: number): number {
  let count = 0;
  for (let left = word; left !== 0; left &= left - 1) count++;
  return count;
}
