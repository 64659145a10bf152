import type { Role } from "../anatomy/anatomy.ts";
import type { LayerCode } from "../fingerprint/fingerprint.ts";

/** Numbers of the roles in stored codes: append only. */
const ROLES: readonly Role[] = [
  "q",
  "k",
  "v",
  "o",
  "qkv",
  "gate",
  "up",
  "down",
  "cross_q",
  "cross_k",
  "cross_v",
  "cross_o",
  "router",
  "embed",
  "head",
  "position",
  "token_type",
  "patch",
  "norm",
  "bias",
  "other",
  "unknown",
];

export const CODE_BYTES = 32;
/** Role (u32), width (u32), code; little-endian. */
export const ITEM_BYTES = 8 + CODE_BYTES;

/** What of a layer code is stored; names and layer numbers are the suspect's to choose, so they play no part. */
export type SearchCode = Pick<LayerCode, "role" | "cols" | "code">;

/** A model's codes in one array, item after item: a registry of 1,000 bases has 200,000 of them, too many for objects. */
export function packCodes(codes: readonly SearchCode[]): Uint8Array {
  const usable = codes.filter(({ role, code }) => ROLES.includes(role) && code.length === CODE_BYTES);
  const items = new Uint8Array(usable.length * ITEM_BYTES);
  const view = new DataView(items.buffer);
  usable.forEach(({ role, cols, code }, i) => {
    view.setUint32(i * ITEM_BYTES, ROLES.indexOf(role), true);
    view.setUint32(i * ITEM_BYTES + 4, cols, true);
    items.set(code, i * ITEM_BYTES + 8);
  });
  return items;
}

/**
 * For every item a number that is equal for codes that may be compared: the width. Roles come from tensor names, which are
 * the suspect's to choose or to scramble, so a code is held against the base's codes of every role.
 */
export function itemKeys(items: Uint8Array): Float64Array {
  const view = new DataView(items.buffer, items.byteOffset, items.byteLength);
  const keys = new Float64Array(items.length / ITEM_BYTES);
  for (let i = 0; i < keys.length; i++) {
    keys[i] = view.getUint32(i * ITEM_BYTES + 4, true);
  }
  return keys;
}

export function itemCode(items: Uint8Array, item: number): Uint8Array {
  return items.subarray(item * ITEM_BYTES + 8, (item + 1) * ITEM_BYTES);
}
