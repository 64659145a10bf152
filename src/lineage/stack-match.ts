import { axisOf, type MatrixPair, pairStack } from "./matrix-pair.ts";
import { pairLayers, pairSketches } from "./pair-layers.ts";
import { stackInner } from "./sign-stack.ts";
import type { Stack } from "./stack.ts";

/** Matrices by which two stacks are held against each other before they are tested. */
const LOOKED_AT = 16;
/** Standard deviations from which what the signs say outweighs what the names say. */
const TELLING_SIGMA = 5;

/** A stack of the suspect and the stack of the base that it is held against. */
export interface StackMatch {
  readonly suspect: Stack;
  readonly base: Stack;
  /** log10 of how many partners either of them could have had. */
  readonly log10Tried: number;
}

/**
 * Each stack's partner: the one that it resembles, else the one of its name, else the one nearest in size. Every stack that
 * could have one gets one, so no part of a model goes untested because of how it is called.
 */
export function matchStacks(suspect: readonly Stack[], base: readonly Stack[]): StackMatch[] {
  const partners = { suspect: new Map<Stack, number>(), base: new Map<Stack, number>() };
  const rows: { s: Stack; b: Stack; equal: number; z: number; named: number; size: number }[] = [];
  for (const s of suspect) {
    for (const b of base) {
      if (!areComparable(s, b)) continue;
      partners.suspect.set(s, (partners.suspect.get(s) ?? 0) + 1);
      partners.base.set(b, (partners.base.get(b) ?? 0) + 1);
      const z = resemblance(s, b);
      const size = Math.abs(Math.log((s.parameters + 1) / (b.parameters + 1)));
      const named = Number(s.name === b.name);
      rows.push({ s, b, equal: equalContent(s, b), z: z > TELLING_SIGMA ? z : 0, named, size });
    }
  }
  rows.sort(
    (x, y) =>
      y.equal - x.equal ||
      y.z - x.z ||
      y.named - x.named ||
      x.size - y.size ||
      // Names of the base and of the suspect have equal say.
      order(`${x.s.name} ${x.b.name}`, `${y.s.name} ${y.b.name}`),
  );
  const used = new Set<Stack>();
  const out: StackMatch[] = [];
  const match = (s: Stack, b: Stack): void => {
    used.add(s).add(b);
    const log10Tried = Math.log10(partners.suspect.get(s)! * partners.base.get(b)!);
    out.push({ suspect: s, base: b, log10Tried });
  };
  for (const { s, b } of rows) if (!used.has(s) && !used.has(b)) match(s, b);
  // One stack of a model may be stored as several of another: stages of a pipeline, or a copy beside the original.
  for (const { s, b, equal, z } of rows) if ((equal > 0 || z > 0) && !(used.has(s) && used.has(b))) match(s, b);
  return out;
}

/** Whether some matrix of one could be held against some matrix of the other. */
function areComparable(a: Stack, b: Stack): boolean {
  const widths = new Set(a.sketches.map(({ cols }) => cols));
  return b.sketches.some(({ cols }) => widths.has(cols)) || (a.layers.length > 0 && b.layers.length > 0);
}

function equalContent(a: Stack, b: Stack): number {
  const known = new Set(a.sketches.map((s) => s.digest.f32));
  return b.sketches.filter((s) => known.has(s.digest.f32)).length;
}

/** Layers of the deeper stack over which the first one of the other is laid. */
const OFFSETS = 64;

/**
 * The largest |z| of a few matrices laid over each other, as if all signs were independent: a stack may begin anywhere in the
 * other.
 */
function resemblance(a: Stack, b: Stack): number {
  const [deep, flat] = a.layers.length >= b.layers.length ? [a, b] : [b, a];
  const offsets = Math.min(OFFSETS, deep.layers.length - flat.layers.length + 1);
  let best = 0;
  for (let offset = 0; offset < Math.max(1, offsets); offset++) best = Math.max(best, laidOver(deep, flat, offset));
  return best;
}

function laidOver(deep: Stack, flat: Stack, offset: number): number {
  const pairs: MatrixPair[] = pairSketches(deep.flat, flat.flat);
  for (let i = 0; i < flat.layers.length && pairs.length < LOOKED_AT; i++) {
    pairs.push(...pairLayers(deep.layers[offset + i]!, flat.layers[i]!));
  }
  let centred = 0;
  let signs = 0;
  for (const pair of pairs.filter((p) => axisOf(p) !== null).slice(0, LOOKED_AT)) {
    const stack = pairStack([pair]);
    if (stack === null) continue;
    centred += stackInner(stack).centred;
    signs += stack.m * stack.n;
  }
  return signs === 0 ? 0 : Math.abs(centred) / Math.sqrt(signs);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
