import type { Role } from "../anatomy/anatomy.ts";
import type { LayerCode } from "../fingerprint/fingerprint.ts";
import { CODE_BYTES } from "../kernels/bits.ts";

/** Numbers of the roles in stored codes: append only, none forgotten. */
const ROLES: Readonly<Record<Role, number>> = {
  q: 0,
  k: 1,
  v: 2,
  o: 3,
  qkv: 4,
  gate: 5,
  up: 6,
  down: 7,
  cross_q: 8,
  cross_k: 9,
  cross_v: 10,
  cross_o: 11,
  router: 12,
  embed: 13,
  head: 14,
  position: 15,
  token_type: 16,
  patch: 17,
  norm: 18,
  bias: 19,
  other: 20,
  unknown: 21,
  conv: 22,
};

/** Role (u32), width (u32), code; little-endian. What the bits of a code mean goes with the version of its fingerprint. */
export const ITEM_BYTES = 8 + CODE_BYTES;

/** What of a layer code is stored; names and layer numbers are the suspect's to choose, so they play no part. */
export type SearchCode = Pick<LayerCode, "role" | "cols" | "code">;

/** A model's codes in one array, item after item: a registry of 1,000 bases has 200,000 of them, too many for objects. */
export function packCodes(codes: readonly SearchCode[]): Uint8Array {
  const usable = codes.filter(({ role, code }) => Object.hasOwn(ROLES, role) && code.length === CODE_BYTES);
  const items = new Uint8Array(usable.length * ITEM_BYTES);
  const view = new DataView(items.buffer);
  usable.forEach(({ role, cols, code }, i) => {
    view.setUint32(i * ITEM_BYTES, ROLES[role], true);
    view.setUint32(i * ITEM_BYTES + 4, cols, true);
    items.set(code, i * ITEM_BYTES + 8);
  });
  return items;
}

export function itemCount(items: Uint8Array): number {
  return Math.floor(items.length / ITEM_BYTES);
}

/**
 * Codes of equal width may be compared; the content's, of width 0, with each other. Roles come from tensor names, which are the
 * suspect's to choose or to scramble, so a code is held against the base's codes of every role.
 */
export function itemWidth(items: Uint8Array, item: number): number {
  const at = item * ITEM_BYTES + 4;
  return (items[at]! | (items[at + 1]! << 8) | (items[at + 2]! << 16) | (items[at + 3]! << 24)) >>> 0;
}

/** Copies an item's code to byte `at` of `to`. */
export function itemCode(items: Uint8Array, item: number, to: Uint8Array, at: number): void {
  // Cheaper than a view for every one of millions of codes.
  const from = item * ITEM_BYTES + 8;
  for (let i = 0; i < CODE_BYTES; i++) to[at + i] = items[from + i]!;
}
