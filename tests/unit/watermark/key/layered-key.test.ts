import { createHash, hkdfSync } from "node:crypto";
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import {
  layeredKey,
  type OpenedSlot,
  openedKey,
  opensRoot,
  slotOf,
} from "../../../../src/watermark/key/layered-key.ts";

const MASTER = Buffer.alloc(32, 7);
const KEY = layeredKey(MASTER, "acme-7b");
const OTHER = layeredKey(MASTER, "b");
const sha = (...parts: readonly (Uint8Array | string)[]) =>
  createHash("sha256")
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest();
const hkdf = (material: Uint8Array, salt: Uint8Array | string, info: string) =>
  Buffer.from(hkdfSync("sha256", material, Buffer.from(salt), info, 32));

describe("a layered key", () => {
  test("follows from its master as the vectors say", () => {
    const secrets = Array.from({ length: 1024 }, (_, slot) => hkdf(MASTER, "acme-7b", `weightmark/2/slot/${slot}/`));
    let level = secrets.map((secret, slot) => sha(Buffer.of(0), `weightmark/2/slot/${slot}/`, secret));
    while (level.length > 1) {
      level = Array.from({ length: level.length / 2 }, (_, i) => sha(Buffer.of(1), level[2 * i]!, level[2 * i + 1]!));
    }
    const root = level[0]!;
    expect(Buffer.from(KEY.root)).toEqual(root);
    expect(KEY.id).toBe(sha("weightmark/2/key-id/", root).toString("hex").slice(0, 16));
    const subkeys = [KEY.layerSubkey("spread/coins", 5), KEY.sharedSubkey("chip-plan"), KEY.subkey("spread/dither/1")];
    expect(subkeys.map((subkey) => Buffer.from(subkey))).toEqual([
      hkdf(secrets[5]!, root, "weightmark/2/spread/coins"),
      hkdf(root, "", "weightmark/2/shared/chip-plan"),
      hkdf(MASTER, "acme-7b", "weightmark/2/private/spread/dither/1"),
    ]);
  });

  test("tells layers, purposes, releases and what lies outside of the layers apart", () => {
    const drawn = [-1, 0, 1, 1022].flatMap((layer) => ["a", "b"].map((purpose) => KEY.layerSubkey(purpose, layer)));
    drawn.push(
      layeredKey(MASTER, "other").layerSubkey("a", 0),
      layeredKey(Buffer.alloc(32), "acme-7b").layerSubkey("a", 0),
    );
    expect(new Set(drawn.map((subkey) => Buffer.from(subkey).toString("hex"))).size).toBe(drawn.length);
    expect([-1, 0, 1022, 1023, 2046].map(slotOf)).toEqual([1023, 0, 1022, 0, 0]);
    expect(JSON.stringify(KEY)).not.toContain(Buffer.from(KEY.openSlot(0).secret).toString("hex"));
  });

  test("opens some layers, which say what they said, and nothing else", () => {
    const opened = openedKey(KEY.root, KEY.release, [KEY.openSlot(3), KEY.openSlot(7)]);
    expect(opened.id).toBe(KEY.id);
    for (const layer of [3, 7]) expect(opened.layerSubkey("x", layer)).toEqual(KEY.layerSubkey("x", layer));
    expect(opened.sharedSubkey("chip-plan")).toEqual(KEY.sharedSubkey("chip-plan"));
    expect([3, 7, 4, -1].map((layer) => opened.covers(layer))).toEqual([true, true, false, false]);
    expect(() => opened.layerSubkey("x", 4)).toThrow(RangeError);
    expect(() => opened.subkey("spread/dither/1")).toThrow(RangeError);
  });
});

describe("a proof", () => {
  const slots = fc.integer({ min: 0, max: 1023 });

  propertyTest.prop([slots])("of any slot leads to the root, and to no other key's", (slot) => {
    expect(opensRoot(KEY.openSlot(slot), KEY.root)).toBe(true);
    expect(opensRoot(KEY.openSlot(slot), OTHER.root)).toBe(false);
  });

  propertyTest.prop([slots, fc.integer({ min: 0, max: 11 * 256 - 1 })])(
    "is refused with any bit turned",
    (slot, bit) => {
      const opened = KEY.openSlot(slot);
      const parts = [opened.secret, ...opened.proof].map((part) => Uint8Array.from(part));
      parts[bit >> 8]![(bit & 255) >> 3]! ^= 1 << (bit & 7);
      const [secret, ...proof] = parts;
      expect(opensRoot({ slot, secret: secret!, proof }, KEY.root)).toBe(false);
    },
  );

  propertyTest.prop([slots, slots, slots])(
    "is refused for another slot, and with its hashes in another order",
    (slot, a, b) => {
      const opened = KEY.openSlot(slot);
      if (a !== slot) expect(opensRoot({ ...opened, slot: a }, KEY.root)).toBe(false);
      const proof = [...opened.proof];
      const [i, j] = [a % proof.length, b % proof.length];
      [proof[i], proof[j]] = [proof[j]!, proof[i]!];
      expect(opensRoot({ ...opened, proof }, KEY.root)).toBe(i === j);
    },
  );

  test("is refused where an inner node is passed off as a leaf, the proof is shorter or longer, or the slot is none", () => {
    const opened = KEY.openSlot(4);
    const beside = KEY.openSlot(5);
    // The two leaves' parent, as the content of a leaf one level up: what a tree without prefixes would take.
    const leaf = (one: OpenedSlot) => sha(Buffer.of(0), `weightmark/2/slot/${one.slot}/`, one.secret);
    const parent = Buffer.concat([leaf(opened), leaf(beside)]);
    expect(opensRoot({ slot: 2, secret: parent, proof: opened.proof.slice(1) }, KEY.root)).toBe(false);
    expect(opensRoot({ slot: 2, secret: parent, proof: [...opened.proof.slice(1), leaf(opened)] }, KEY.root)).toBe(
      false,
    );
    expect(opensRoot({ ...opened, proof: opened.proof.slice(0, 9) }, KEY.root)).toBe(false);
    expect(opensRoot({ ...opened, proof: [...opened.proof, opened.proof[0]!] }, KEY.root)).toBe(false);
    for (const slot of [-1, 1024, 1028, 4.5, Number.NaN]) expect(opensRoot({ ...opened, slot }, KEY.root)).toBe(false);
  });
});
