/**
 * A chance in words, from its log10, never smaller than it is: "less than one in 10^742", "about one in 20". The exponent is
 * rounded towards the more likely.
 */
export function chanceText(log10P: number): string {
  if (log10P >= -0.05) return "a matter of course";
  if (log10P > -3) return `about one in ${Math.max(2, Math.round(10 ** -log10P)).toLocaleString("en-US")}`;
  const digits = Math.floor(-log10P);
  const size = LARGE.get(digits) ?? `1 followed by ${digits.toLocaleString("en-US")} zeros`;
  return `at most one in 10^${digits} (${size})`;
}

const LARGE = new Map([
  [3, "a thousand"],
  [4, "ten thousand"],
  [5, "a hundred thousand"],
  [6, "a million"],
  [7, "ten million"],
  [8, "a hundred million"],
  [9, "a thousand million"],
  [12, "a million million"],
]);

/** log10 of a chance that is given as its log2. */
export function fromLog2(log2P: number): number {
  return log2P * Math.LOG10E * Math.LN2;
}
