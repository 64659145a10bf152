// Writes the vectors of layered keys, commitments and the choice of layers: node tests/vectors/commitment/make.mjs, after a
// build. timestamp.json is not made here: it was written once by an authority of OpenSSL (see README.md).
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const dist = new URL("../../../dist/src/", import.meta.url);
const { layeredKey } = await import(new URL("watermark/key/layered-key.js", dist));
const { challengedLayers } = await import(new URL("commitment/chosen-layers.js", dist));
const { commitmentDigest, signedBytes } = await import(new URL("commitment/commitment.js", dist));
const { printedDigest } = await import(new URL("commitment/printable.js", dist));
const { saltedHash } = await import(new URL("commitment/salted-root.js", dist));
const { publicKeyOf, signatureOf } = await import(new URL("commitment/statement-signature.js", dist));

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const write = (name, value) =>
  writeFileSync(fileURLToPath(new URL(name, import.meta.url)), `${JSON.stringify(value, null, 2)}\n`);

const owners = [
  { master: hex(Uint8Array.from({ length: 32 }, (_, i) => i)), release: "acme-7b" },
  { master: hex(new Uint8Array(32).fill(255)), release: "Größe 発 1" },
];
const keys = owners.map((owner) => ({ owner, key: layeredKey(Buffer.from(owner.master, "hex"), owner.release) }));

write("keys.json", {
  vectors: keys.map(({ owner, key }) => ({
    ...owner,
    id: key.id,
    root: hex(key.root),
    slots: [0, 5, 1022, 1023].map((slot) => {
      const { secret, proof } = key.openSlot(slot);
      return { slot, secret: hex(secret), proof: proof.map(hex) };
    }),
    layers: [-1, 0, 5, 1023].flatMap((layer) =>
      ["spread/coins", "orientation/map/32"].map((purpose) => ({
        layer,
        purpose,
        subkey: hex(key.layerSubkey(purpose, layer)),
      })),
    ),
    shared: { "chip-plan": hex(key.sharedSubkey("chip-plan")) },
    private: { "spread/dither/1": hex(key.subkey("spread/dither/1")) },
    publicKey: publicKeyOf(key),
  })),
});

const salt = Buffer.alloc(32, 9);
const salted = [
  ["marked", new Uint8Array(32).fill(1)],
  ["unmarked", new Uint8Array(32).fill(2)],
  ["payload", Buffer.from("00c0ffee", "hex")],
].map(([purpose, content]) => ({ purpose, salt: hex(salt), content: hex(content), hash: saltedHash(purpose, salt, content) }));
const [marked, unmarked, payload] = salted.map(({ hash }) => hash);

write("commitments.json", {
  salted,
  vectors: keys.map(({ owner, key }, i) => {
    const statement = {
      format: "weightmark/commitment@1",
      tool: { name: "weightmark", version: "0.1.0" },
      key: { id: key.id, release: key.release, root: hex(key.root), publicKey: publicKeyOf(key) },
      model: { layers: 32, marked, unmarked: i === 0 ? unmarked : null, base: null, sketch: null },
      mark: { mode: "release", carriers: ["orientation", "spread"], payloadBits: i === 0 ? 32 : 0, payload: i === 0 ? payload : null },
    };
    const bytes = signedBytes({ statement });
    const digest = commitmentDigest({ statement });
    return {
      ...owner,
      statement,
      signed: Buffer.from(bytes).toString("utf8"),
      digest,
      printed: printedDigest(digest),
      signature: signatureOf(key, bytes),
    };
  }),
});

write("layers.json", {
  vectors: [
    ["0".repeat(64), 32, ""],
    ["ab".repeat(32), 80, "court 2026-17"],
    ["ab".repeat(32), 5, "Größe"],
  ].map(([digest, layers, challenge]) => ({ digest, layers, challenge, opened: challengedLayers(digest, layers, challenge) })),
});
