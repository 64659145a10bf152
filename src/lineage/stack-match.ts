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
  for (const { s, b } of rows) {
    if (used.has(s) || used.has(b)) continue;
    used.add(s).add(b);
    const log10Tried = Math.log10(partners.suspect.get(s)! * partners.base.get(b)!);
    out.push({ suspect: s, base: b, log10Tried });
  }
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

/** |z| of a few matrices at the same place, as if all signs were independent. */
function resemblance(a: Stack, b: Stack): number {
  const layers = Math.min(a.layers.length, b.layers.length);
  const pairs: MatrixPair[] = pairSketches(a.flat, b.flat);
  for (let i = 0; i < layers && pairs.length < LOOKED_AT; i++) pairs.push(...pairLayers(a.layers[i]!, b.layers[i]!));
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
