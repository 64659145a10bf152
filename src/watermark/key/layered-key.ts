import { createHash, hkdfSync } from "node:crypto";
import { hashTree, leafHash, rootFrom, siblings } from "./hash-tree.ts";
import type { ModelKey } from "./model-key.ts";

/** A key whose layers have secrets of their own, so that some can be opened to others and the rest stays secret. */
export interface LayeredKey extends ModelKey {
  /**
   * Root of the hash tree over the secrets of all slots, 32 bytes. Not secret. Part of every derivation: whoever changes the
   * secret of one layer changes the coins of all, so that nobody can search for lucky layers one by one.
   */
  readonly root: Uint8Array;
  /** The secret of a slot, and the hashes that lead from it to the root. */
  openSlot(slot: number): OpenedSlot;
}

/** What is shown of a key to open one slot of it. */
export interface OpenedSlot {
  readonly slot: number;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** `PROOF_LENGTH` hashes of 32 bytes, lowest first. */
  readonly proof: readonly Uint8Array[];
}

/** Levels of the tree. Every key has one slot for each of 1,023 layers and one for what lies outside of them. */
export const PROOF_LENGTH = 10;
const SLOTS = 1 << PROOF_LENGTH;
const OUTSIDE = SLOTS - 1;

const DOMAIN = "weightmark/2/";

/** Where a layer's secret stands. Layers from 1,023 on share the slots of the first. */
export function slotOf(layer: number): number {
  return layer < 0 ? OUTSIDE : layer % OUTSIDE;
}

/** A layered key from its 32-byte master. The master is copied; the caller may wipe its own. */
export function layeredKey(master: Uint8Array, release: string): LayeredKey {
  const ours = Buffer.from(master);
  const salt = Buffer.from(release, "utf8");
  const secretOf = (slot: number): Uint8Array => derived(ours, salt, placeOf(slot));
  const levels = hashTree(Array.from({ length: SLOTS }, (_, slot) => leafHash(placeOf(slot), secretOf(slot))));
  const root = levels.at(-1)![0]!;
  return Object.freeze({
    ...publicPart(root, release),
    root,
    subkey: (purpose: string) => derived(ours, salt, `${DOMAIN}private/${purpose}`),
    layerSubkey: remembered((purpose, slot) => slotSubkey(secretOf(slot), root, purpose)),
    covers: () => true,
    openSlot: (slot: number) => ({ slot, secret: secretOf(slot), proof: siblings(levels, slot) }),
  });
}

/** Whether a slot that was opened belongs to the key with this root. */
export function opensRoot({ slot, secret, proof }: OpenedSlot, root: Uint8Array): boolean {
  if (proof.length !== PROOF_LENGTH || !Number.isInteger(slot) || slot < 0 || slot >= SLOTS) return false;
  return Buffer.compare(rootFrom(leafHash(placeOf(slot), secret), slot, proof), root) === 0;
}

/**
 * As much of a key as was opened: it finds the mark in the layers of these slots and can do nothing else.
 *
 * @param opened slots that `opensRoot` has accepted
 */
export function openedKey(root: Uint8Array, release: string, opened: readonly OpenedSlot[]): ModelKey {
  const secrets = new Map(opened.map(({ slot, secret }) => [slot, secret]));
  const secretOf = (slot: number): Uint8Array => {
    const secret = secrets.get(slot);
    if (secret === undefined) throw new RangeError(`slot ${slot} was not opened`);
    return secret;
  };
  return Object.freeze({
    ...publicPart(root, release),
    subkey(purpose: string): Uint8Array {
      throw new RangeError(`${purpose} is for whoever marks`);
    },
    layerSubkey: remembered((purpose, slot) => slotSubkey(secretOf(slot), root, purpose)),
    covers: (layer: number) => secrets.has(slotOf(layer)),
  });
}

/** The same key for whoever verifies, less these layers: what was opened to others can be written by them too. */
export function withoutLayers(key: LayeredKey, layers: readonly number[]): ModelKey {
  const out = new Set(layers.map(slotOf));
  return Object.freeze({ ...key, covers: (layer: number) => !out.has(slotOf(layer)) });
}

/** What anyone may know who knows the root. */
function publicPart(root: Uint8Array, release: string) {
  const id = createHash("sha256").update(`${DOMAIN}key-id/`).update(root).digest("hex").slice(0, 16);
  const sharedSubkey = (purpose: string) => derived(root, Buffer.alloc(0), `${DOMAIN}shared/${purpose}`);
  return { id, release, sharedSubkey };
}

function placeOf(slot: number): string {
  return `${DOMAIN}slot/${slot}/`;
}

function slotSubkey(secret: Uint8Array, root: Uint8Array, purpose: string): Uint8Array {
  return derived(secret, root, DOMAIN + purpose);
}

/** HKDF-SHA256 (RFC 5869). */
function derived(material: Uint8Array, salt: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", material, salt, info, 32));
}

/** Layers have hundreds of experts, whose matrices ask for the same subkeys. */
function remembered(derive: (purpose: string, slot: number) => Uint8Array): ModelKey["layerSubkey"] {
  const known = new Map<string, Uint8Array>();
  return (purpose, layer) => {
    const slot = slotOf(layer);
    const name = `${slot}/${purpose}`;
    const subkey = known.get(name) ?? derive(purpose, slot);
    known.set(name, subkey);
    return subkey.slice();
  };
}
