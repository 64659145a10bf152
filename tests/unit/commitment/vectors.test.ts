import { createHash, createPrivateKey, hkdfSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { challengedLayers } from "../../../src/commitment/chosen-layers.ts";
import { commitmentDigest, parseCommitment, signedBytes } from "../../../src/commitment/commitment.ts";
import { parsePrintedDigest, printedDigest } from "../../../src/commitment/printable.ts";
import { saltedHash } from "../../../src/commitment/salted-root.ts";
import { publicKeyOf, signatureOf } from "../../../src/commitment/statement-signature.ts";
import { readCertificate } from "../../../src/timestamps/certificate.ts";
import { verifyTimestamp } from "../../../src/timestamps/verify-timestamp.ts";
import { layeredKey, openedKey, opensRoot } from "../../../src/watermark/key/layered-key.ts";
import { refusal } from "../../support/refusal.ts";

const read = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../../vectors/commitment", name), "utf8"));
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const hkdf = (material: Uint8Array, salt: Uint8Array, info: string) =>
  hex(new Uint8Array(hkdfSync("sha256", material, salt, info, 32)));
const sha256 = (...parts: readonly (string | Uint8Array)[]) =>
  createHash("sha256")
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest("hex");

describe("layered keys", () => {
  const { vectors } = read("keys.json");

  test.each(vectors as (typeof vectors)[number][])("$release are what the program derives", (vector) => {
    const key = layeredKey(bytesOf(vector.master), vector.release);
    expect([key.id, hex(key.root), publicKeyOf(key)]).toEqual([vector.id, vector.root, vector.publicKey]);
    for (const { slot, secret, proof } of vector.slots) {
      const opened = { slot, secret: bytesOf(secret), proof: proof.map(bytesOf) };
      expect(key.openSlot(slot)).toEqual(opened);
      expect(opensRoot(opened, key.root)).toBe(true);
      const part = openedKey(key.root, vector.release, [opened]);
      for (const { layer, purpose, subkey } of vector.layers)
        if (part.covers(layer)) expect(hex(part.layerSubkey(purpose, layer))).toBe(subkey);
    }
    for (const { layer, purpose, subkey } of vector.layers) expect(hex(key.layerSubkey(purpose, layer))).toBe(subkey);
    expect(hex(key.sharedSubkey("chip-plan"))).toBe(vector.shared["chip-plan"]);
    expect(hex(key.subkey("spread/dither/1"))).toBe(vector.private["spread/dither/1"]);
  });

  test.each(vectors as (typeof vectors)[number][])(
    "$release are what the text says",
    ({ master, release, root, slots, layers, ...vector }) => {
      const place = (slot: number) => `weightmark/2/slot/${slot}/`;
      const secrets = new Map<number, string>();
      for (const { slot, secret, proof } of slots) {
        expect(hkdf(bytesOf(master), Buffer.from(release), place(slot))).toBe(secret);
        secrets.set(slot, secret);
        let at = sha256(Buffer.of(0), place(slot), bytesOf(secret));
        proof.forEach((beside: string, height: number) => {
          const [left, right] = (slot >> height) & 1 ? [beside, at] : [at, beside];
          at = sha256(Buffer.of(1), bytesOf(left), bytesOf(right));
        });
        expect(at).toBe(root);
      }
      for (const { layer, purpose, subkey } of layers) {
        const secret = secrets.get(layer < 0 ? 1023 : layer % 1023)!;
        expect(hkdf(bytesOf(secret), bytesOf(root), `weightmark/2/${purpose}`)).toBe(subkey);
      }
      expect(hkdf(bytesOf(root), Buffer.alloc(0), "weightmark/2/shared/chip-plan")).toBe(vector.shared["chip-plan"]);
      expect(sha256("weightmark/2/key-id/", bytesOf(root)).slice(0, 16)).toBe(vector.id);
    },
  );
});

describe("commitments", () => {
  const { salted, vectors } = read("commitments.json");

  test("hide what is short behind a salt", () => {
    for (const { purpose, salt, content, hash } of salted) {
      expect(saltedHash(purpose, bytesOf(salt), bytesOf(content))).toBe(hash);
      expect(sha256(`weightmark/commitment/${purpose}\0`, bytesOf(salt), bytesOf(content))).toBe(hash);
    }
  });

  test.each(vectors as (typeof vectors)[number][])("of $release are signed, called and printed as given", (vector) => {
    const { statement, signed, digest, printed, signature, master, release } = vector;
    const key = layeredKey(bytesOf(master), release);
    expect(Buffer.from(signedBytes({ statement })).toString("utf8")).toBe(signed);
    expect([commitmentDigest({ statement }), sha256(signed)]).toEqual([digest, digest]);
    expect(signatureOf(key, Buffer.from(signed))).toBe(signature);
    const seed = hkdf(bytesOf(master), Buffer.from(release), "weightmark/2/private/commitment/ed25519");
    const der = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
    expect(
      sign(null, Buffer.from(signed), createPrivateKey({ key: der, format: "der", type: "pkcs8" })).toString("hex"),
    ).toBe(signature);
    expect(printedDigest(digest)).toEqual(printed);
    expect(parsePrintedDigest(printed.join("\n"))).toBe(digest);
    const file = { statement, signature, timestamps: [] };
    expect(parseCommitment(Buffer.from(JSON.stringify(file)), "vector")).toEqual(file);
  });

  test("typed wrong are told by the line", async () => {
    const [one, two, three, four] = vectors[0].printed;
    const typed = (...lines: readonly string[]) => Promise.resolve().then(() => parsePrintedDigest(lines.join(" ")));
    const turned = three.replace(/^./, (digit: string) => (digit === "0" ? "1" : "0"));
    expect((await refusal(typed(one, two, turned, four), "USAGE")).message).toMatch(/line 3/);
    expect((await refusal(typed(two, one, three, four), "USAGE")).message).toMatch(/line 1/);
    await refusal(typed(one, two, three), "USAGE");
    await refusal(typed("x"), "USAGE");
    expect(await typed(vectors[0].digest.toUpperCase())).toBe(vectors[0].digest);
  });
});

test("layers follow from a challenge as given", () => {
  for (const { digest, layers, challenge, opened } of read("layers.json").vectors) {
    expect(challengedLayers(digest, layers, challenge)).toEqual(opened);
    const rank = (layer: number) => sha256(`weightmark/disclosure/layers\n${digest}\n${challenge}\n${layer}\n`);
    const ranked = [...Array(layers).keys()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    expect(ranked.slice(0, Math.ceil(layers / 4)).sort((a, b) => a - b)).toEqual(opened);
  }
});

test("a token that OpenSSL wrote says what it says", () => {
  const { data, token, root, says } = read("timestamp.json");
  const roots = [readCertificate(Buffer.from(root, "base64"))];
  const given = { data: Buffer.from(data, "utf8"), roots, file: "vector" };
  expect(verifyTimestamp(Buffer.from(token, "base64"), given)).toEqual(says);
});
