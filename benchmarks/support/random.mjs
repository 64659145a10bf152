/** A 32-bit xorshift generator (Marsaglia 2003, triple 13/17/5): fast, seeded, good enough to make data with. */
export function xorshift(seed) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  // Neighbouring seeds start alike; some rounds part them.
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** Uniform in (0, 1). */
export function uniform(random) {
  return (random() + 0.5) / 2 ** 32;
}

/** Normal values of mean 0 and the given standard deviation (Box and Muller), written over `out`. */
export function fillGaussian(out, random, sigma = 1) {
  for (let i = 0; i < out.length; i += 2) {
    const radius = sigma * Math.sqrt(-2 * Math.log(uniform(random)));
    const angle = 2 * Math.PI * uniform(random);
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}
