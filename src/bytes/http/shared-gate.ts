import { createHash } from "node:crypto";
import { MACHINE } from "./environment.ts";
import type { HostGate } from "./host-gate.ts";

/** A scan meets a handful of buckets. Those that come when all but the last are taken share that one, which is stricter. */
const BUCKETS = 1024;
const SHARED = BUCKETS - 1;

/**
 * Cells of one bucket: closed until; window (end and requests left); the next turn of those that are let in one by one; the
 * hash of the name that it belongs to, or 0.
 */
const CELLS = 4;
const CLOSED = 0;
const WINDOW = 1;
const TURN = 2;
const OWNER = 3;

/** The last requests of a window are spread over the rest of it, so that it is not used up at once by one burst. */
const SPREAD_BELOW = 16;

/** And at most this far apart (ms): what a server says of a day should not make one wait in silence. */
const LONGEST_SPREAD_MS = 30_000;

/** After a closure waiters come back one by one, this far apart (ms), for this long (ms), instead of all at once. */
const RETURN_SPACING_MS = 20;
const RETURN_MS = 2000;

/** Ends of one window as two replies tell them differ by whole seconds and the time that replies take. */
const SAME_WINDOW_MS = 2000;

/** No window of a server that means well is longer; one that says so does not lock a scan out for ever. */
const LONGEST_WINDOW_MS = 24 * 3_600_000;

/** A window in one cell, so that its two numbers always belong together: end in ms above, requests left below. */
const LEFT_BITS = 21n;
const LEFT_MASK = (1n << LEFT_BITS) - 1n;

const pack = (resetAt: number, left: number): bigint =>
  (BigInt(Math.ceil(resetAt)) << LEFT_BITS) | BigInt(Math.min(left, Number(LEFT_MASK)));
const resetOf = (cell: bigint): number => Number(cell >> LEFT_BITS);
const leftOf = (cell: bigint): number => Number(cell & LEFT_MASK);

/** Memory for a gate that several threads share: 32 KiB. */
export function createGateMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(BUCKETS * CELLS * BigInt64Array.BYTES_PER_ELEMENT);
}

/** Milliseconds until every bucket takes requests again, for anyone who shows why nothing moves; 0 when all do. */
export function gateWaitMs(memory: SharedArrayBuffer, now: number = Date.now()): number {
  const cells = new BigInt64Array(memory);
  let until = now;
  for (let base = 0; base < cells.length; base += CELLS) {
    const window = Atomics.load(cells, base + WINDOW);
    until = Math.max(until, Number(Atomics.load(cells, base + CLOSED)), leftOf(window) === 0 ? resetOf(window) : 0);
  }
  return until - now;
}

/** 63 bits of SHA-256, never 0: a server may call itself what it likes, and must not come to close another one's bucket. */
function hash(text: string): bigint {
  return (createHash("sha256").update(text).digest().readBigUInt64LE() >> 1n) | 1n;
}

/** Replaces a cell by what `next` makes of it, however many threads do so at once; null leaves it as it is. */
function update(cells: BigInt64Array, at: number, next: (old: bigint) => bigint | null): bigint {
  for (let old = Atomics.load(cells, at); ; ) {
    const value = next(old);
    if (value === null) return old;
    const seen = Atomics.compareExchange(cells, at, old, value);
    if (seen === old) return old;
    old = seen;
  }
}

/**
 * A gate in shared memory: every thread makes its own over the same memory and all keep one budget. Turns are given in the
 * order in which they are asked for, as far as threads can tell; nobody waits longer than the server said plus one's turn.
 *
 * @param memory of `createGateMemory`
 */
export function hostGate(
  memory: SharedArrayBuffer,
  environment: Pick<typeof MACHINE, "now" | "sleep"> = MACHINE,
): HostGate {
  const cells = new BigInt64Array(memory);
  const places = new Map<string, number>();

  /** The first cell of a bucket: its own, taken when it is first asked for, by whichever thread. */
  function cellOf(bucket: string): number {
    const found = places.get(bucket);
    if (found !== undefined) return found;
    const name = hash(bucket);
    const first = Number((name >> 1n) % BigInt(SHARED));
    let base = SHARED * CELLS;
    for (let i = 0; i < SHARED; i += 1) {
      const at = ((first + i) % SHARED) * CELLS;
      const owner = Atomics.compareExchange(cells, at + OWNER, 0n, name);
      if (owner !== 0n && owner !== name) continue;
      base = at;
      break;
    }
    if (places.size < BUCKETS) places.set(bucket, base);
    return base;
  }

  /** Takes one request out of the window: the window as it was before, or null when it has none left. */
  function takeOne(base: number, now: number): bigint | null {
    const window = update(cells, base + WINDOW, (old) =>
      resetOf(old) <= now || leftOf(old) === 0 ? null : pack(resetOf(old), leftOf(old) - 1),
    );
    return resetOf(window) > now && leftOf(window) === 0 ? null : window;
  }

  /** How far one who goes at `at` keeps from the next, so that what the window has left lasts until its end (ms). */
  function spread(window: bigint, at: number): number {
    const left = leftOf(window);
    if (left === 0 || left > SPREAD_BELOW) return 0;
    return Math.min(LONGEST_SPREAD_MS, Math.max(0, resetOf(window) - at) / left);
  }

  const closedUntil = (base: number): number => Number(Atomics.load(cells, base + CLOSED));

  function opensAt(base: number, now: number): number {
    const closed = closedUntil(base);
    if (closed > now) return closed;
    const window = Atomics.load(cells, base + WINDOW);
    return leftOf(window) === 0 && resetOf(window) > now ? resetOf(window) : 0;
  }

  /** When the turn of one who comes now is; the next one's is `spacing` of it later. */
  function turn(base: number, now: number, spacing: (at: number) => number): number {
    const old = update(cells, base + TURN, (turn) => {
      const at = Math.max(now, Number(turn));
      return BigInt(Math.ceil(at + spacing(at)));
    });
    return Math.max(now, Number(old));
  }

  return {
    async enter(bucket, signal, latest = Number.POSITIVE_INFINITY) {
      signal?.throwIfAborted();
      const base = cellOf(bucket);
      for (;;) {
        const now = environment.now();
        const opens = opensAt(base, now);
        if (Math.max(now, opens) > latest) return false;
        if (opens > 0) {
          // One's turn is taken before one sleeps: who came first goes first.
          await environment.sleep(turn(base, opens, () => RETURN_SPACING_MS) - now, signal);
          const woken = environment.now();
          if (closedUntil(base) <= woken && takeOne(base, woken) !== null) return true;
          continue;
        }
        const window = takeOne(base, now);
        if (window === null) continue;
        const returning = now - closedUntil(base) < RETURN_MS ? RETURN_SPACING_MS : 0;
        if (returning > 0 || spread(window, now) > 0) {
          const at = turn(base, now, (from) => Math.max(returning, spread(window, from)));
          if (at > now) await environment.sleep(at - now, signal);
        }
        if (closedUntil(base) <= environment.now()) return true;
      }
    },
    opensAt: (bucket) => opensAt(cellOf(bucket), environment.now()),
    close(bucket, until) {
      const latest = Math.min(until, environment.now() + LONGEST_WINDOW_MS);
      update(cells, cellOf(bucket) + CLOSED, (old) => (Number(old) >= latest ? null : BigInt(Math.ceil(latest))));
    },
    observe(bucket, remaining, resetAt) {
      const now = environment.now();
      const until = Math.min(resetAt, now + LONGEST_WINDOW_MS);
      if (until <= now) return;
      update(cells, cellOf(bucket) + WINDOW, (old) => {
        const known = resetOf(old);
        // Replies overtake each other: of one window the least that any of them left is true.
        if (known <= now || until > known + SAME_WINDOW_MS) return pack(until, remaining);
        return remaining < leftOf(old) ? pack(known, remaining) : null;
      });
    },
  };
}
