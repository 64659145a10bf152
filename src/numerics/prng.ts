import { WeightmarkError } from "../errors.ts";

const MASK_64 = (1n << 64n) - 1n;

/**
 * A reproducible generator: xoshiro128** (Blackman and Vigna 2018) seeded by splitmix64. NOT cryptographic: anyone who sees
 * a few outputs can predict all others, so it must never stand for a secret. Its integer outputs are frozen: sampled
 * rows and columns of every fingerprint follow from them.
 */
export interface Prng {
  /** Uniform on [0, 2^32). */
  uint32(): number;
  /** Uniform on [0, n), 1 <= n <= 2^32, without modulo bias. */
  below(n: number): number;
  /** Uniform on [0, 1), a multiple of 2^-53. */
  float(): number;
  /** Standard normal. Goes through Math.log, so its last bit may differ between engines: no part of any file format. */
  normal(): number;
  /** Shuffles in place (Fisher and Yates, from the end). */
  shuffle(items: Uint32Array): void;
}

/** Seeds are safe integers or strings (7 and "7" differ). */
export function prng(seed: number | string): Prng {
  return xoshiro128(seedState(seed));
}

/** The generator itself, from its four state words, not all zero. Exported for the reference vectors in the tests. */
export function xoshiro128(state: Uint32Array): Prng {
  const s = state.slice();
  let spareNormal: number | null = null;

  function uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotateLeft(s[3]!, 11);
    return result;
  }

  function below(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 32)) {
      throw new WeightmarkError("INTERNAL", `random integer below ${n}`);
    }
    let value = uint32();
    // The incomplete last block of n values would favour small results; most draws are far from it.
    if (value >= 2 ** 32 - n) {
      const limit = 2 ** 32 - (2 ** 32 % n);
      while (value >= limit) value = uint32();
    }
    // value % n, which engines compute slowly above 2^31. The quotient of 32-bit integers never rounds up to an integer.
    return value - n * Math.floor(value / n);
  }

  function float(): number {
    const high = uint32() >>> 5;
    const low = uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  function normal(): number {
    if (spareNormal !== null) {
      const value = spareNormal;
      spareNormal = null;
      return value;
    }
    for (;;) {
      const x = 2 * float() - 1;
      const y = 2 * float() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) {
        const scale = Math.sqrt((-2 * Math.log(square)) / square);
        spareNormal = y * scale;
        return x * scale;
      }
    }
  }

  function shuffle(items: Uint32Array): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = below(i + 1);
      const kept = items[i]!;
      items[i] = items[j]!;
      items[j] = kept;
    }
  }

  return { uint32, below, float, normal, shuffle };
}

/** A uniformly random permutation of 0 .. n-1. Frozen for a given (n, seed): fingerprints depend on it. */
export function permutation(n: number, seed: number | string): Uint32Array {
  const labels = Uint32Array.from({ length: n }, (_, i) => i);
  prng(seed).shuffle(labels);
  return labels;
}

/**
 * k distinct indices below n, every k-subset equally likely, in rising order (Floyd's method: k draws, O(k) memory
 * whatever n is). Frozen for a given (n, k, seed): fingerprints depend on it.
 */
export function subset(n: number, k: number, seed: number | string): Uint32Array {
  if (!(Number.isSafeInteger(k) && k >= 0 && k <= n && n <= 2 ** 32)) {
    throw new WeightmarkError("INTERNAL", `${k} distinct indices below ${n}`);
  }
  const random = prng(seed);
  const chosen = new Set<number>();
  for (let last = n - k; last < n; last++) {
    const candidate = random.below(last + 1);
    chosen.add(chosen.has(candidate) ? last : candidate);
  }
  return Uint32Array.from(chosen).sort();
}

/** One output of splitmix64 for the given 64-bit state, which the caller advances by 0x9e3779b97f4a7c15 per output. */
export function splitmix64(state: bigint): bigint {
  let z = (state + 0x9e3779b97f4a7c15n) & MASK_64;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK_64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK_64;
  return z ^ (z >> 31n);
}

/** The four words that `prng` starts from. */
export function seedState(seed: number | string): Uint32Array {
  const start = typeof seed === "string" ? fnv1a(seed) : wrapInteger(seed);
  const first = splitmix64(start);
  const second = splitmix64((start + 0x9e3779b97f4a7c15n) & MASK_64);
  // splitmix64 is a bijection, so two successive outputs differ and the state is never all zero.
  return Uint32Array.of(low32(first), low32(first >> 32n), low32(second), low32(second >> 32n));
}

function wrapInteger(seed: number): bigint {
  if (!Number.isSafeInteger(seed)) throw new WeightmarkError("INTERNAL", `seed ${seed} is not a safe integer`);
  return BigInt(seed) & MASK_64;
}

/** FNV-1a, 64 bits, over the UTF-8 bytes. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK_64;
  return hash;
}

function low32(value: bigint): number {
  return Number(value & 0xffffffffn);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
