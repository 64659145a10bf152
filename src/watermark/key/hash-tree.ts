import { createHash } from "node:crypto";

/** Hashes are told apart by their first byte, so that no inner node can be passed off as a leaf (RFC 6962, 2.1). */
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Hash of a leaf: SHA-256 of a zero byte, the leaf's place in words, and what it holds. */
export function leafHash(place: string, content: Uint8Array): Uint8Array {
  return sha256(LEAF, Buffer.from(place, "utf8"), content);
}

/** All levels of a perfect binary tree, leaves first, its root last. @param leaves as many as a power of two */
export function hashTree(leaves: readonly Uint8Array[]): Uint8Array[][] {
  const levels = [[...leaves]];
  for (let level = levels[0]!; level.length > 1; level = levels.at(-1)!) {
    levels.push(Array.from({ length: level.length / 2 }, (_, i) => nodeHash(level[2 * i]!, level[2 * i + 1]!)));
  }
  return levels;
}

/** The hashes beside the way from a leaf to the root, lowest first. */
export function siblings(levels: readonly (readonly Uint8Array[])[], leaf: number): Uint8Array[] {
  return levels.slice(0, -1).map((level, height) => level[(leaf >> height) ^ 1]!);
}

/** The root that a leaf at a place leads to. What is trusted is the root: a proof of another length leads to another tree. */
export function rootFrom(hash: Uint8Array, leaf: number, proof: readonly Uint8Array[]): Uint8Array {
  return proof.reduce(
    (at, beside, height) => ((leaf >> height) & 1 ? nodeHash(beside, at) : nodeHash(at, beside)),
    hash,
  );
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE, left, right);
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
