import { hkdfSync } from "node:crypto";

/**
 * The secret of one release. Everything keyed is derived from it; anyone who holds this object can mark and verify.
 * The material is reachable through its methods alone, so that no log, error or JSON.stringify can show it.
 */
export interface ModelKey {
  /** What reports call the key: 16 hex digits of a hash that says nothing of it. Not secret. */
  readonly id: string;
  /** The release the key was made for; part of every derivation. Not secret. */
  readonly release: string;
  /** 32 bytes for one purpose of whoever marks, which nobody needs to find the mark again. */
  subkey(purpose: string): Uint8Array;
  /** 32 bytes for one purpose in one layer, -1 for what lies outside of the layers. */
  layerSubkey(purpose: string, layer: number): Uint8Array;
  /** 32 bytes for one purpose, the same in all layers: what says how chips make up a message, and not where they are. */
  sharedSubkey(purpose: string): Uint8Array;
  /** Whether the key knows a layer: false only for layers that were not opened to its holder. */
  covers(layer: number): boolean;
}

const DOMAIN = "weightmark/1/";

/**
 * The key of a release from its 32-byte master, as the first key files have it: for every purpose HKDF-SHA256 (RFC 5869) with the
 * release as salt and the purpose as info, the same for all layers. The master is copied; the caller may wipe its own.
 */
export function modelKey(master: Uint8Array, release: string): ModelKey {
  const secret = Buffer.from(master);
  const subkey = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, Buffer.from(release, "utf8"), DOMAIN + purpose, 32));
  return Object.freeze({
    id: Buffer.from(subkey("key-id")).toString("hex", 0, 8),
    release,
    subkey,
    layerSubkey: subkey,
    sharedSubkey: subkey,
    covers: () => true,
  });
}
