/** Mean, standard deviation and the largest value on the side that counts as a detection. */
export function summariseZ(z) {
  const mean = z.reduce((sum, x) => sum + x, 0) / z.length;
  const variance = z.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (z.length - 1);
  return { mean, deviation: Math.sqrt(variance), largest: z.reduce((a, b) => Math.max(a, b), -Infinity) };
}
