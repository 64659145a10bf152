/**
 * Polar code (Arikan 2009) of length N = 2^n without bit reversal: x = u F^(x n), F = [[1, 0], [1, 1]], so that the first
 * half of x is the sum of the two half words and the second half is the second of them.
 */
export interface PolarCode {
  readonly length: number;
  /** Information positions of u, rising. */
  readonly information: Uint16Array;
}

/** Code word (bits, length N) of the information bits, one per information position. */
export function polarEncode(code: PolarCode, information: Uint8Array): Uint8Array {
  const word = new Uint8Array(code.length);
  code.information.forEach((position, i) => {
    word[position] = information[i]!;
  });
  for (let half = 1; half < code.length; half *= 2) {
    for (let start = 0; start < code.length; start += 2 * half) {
      for (let i = start; i < start + half; i++) word[i]! ^= word[i + half]!;
    }
  }
  return word;
}
