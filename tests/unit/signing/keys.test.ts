import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Signer, signModel, type Trust, verifyModel } from "../../../src/signing/index.ts";
import { type Curve, keyPair, privatePem, publicPem } from "../../support/certificates.ts";
import { refusal } from "../../support/refusal.ts";
import { readSignature, signedModel, signerOf, trustOf, writeModel } from "../../support/signed-model.ts";

const sign = (pem: string, more: Partial<Signer> = {}) =>
  signModel(writeModel(), { privateKey: { pem, file: "key" }, ...more });

describe("keys", () => {
  it.each(["P-256", "P-384", "P-521"] as Curve[])("of %s sign, and verify what they signed", async (curve) => {
    const key = keyPair(curve);
    const { directory, signature } = await signedModel({}, undefined, key);
    const result = await verifyModel(directory, trustOf(key));
    expect(result).toMatchObject({ holds: true, signedBy: { method: "key" }, files: { verified: 4 } });
    expect(readSignature(signature).bundle.verificationMaterial.publicKey.hint).toBe(
      result.signedBy?.method === "key" && result.signedBy.key,
    );
  });

  it("of another signer are told apart by what the signature calls them, and by the signature", async () => {
    const { directory, signature } = await signedModel();
    const stranger = keyPair();
    expect(await verifyModel(directory, trustOf(stranger))).toMatchObject({
      holds: false,
      code: "SIGNATURE_KEY_MISMATCH",
      signedBy: null,
      files: null,
    });
    const { bundle } = readSignature(signature);
    bundle.verificationMaterial.publicKey = { rawBytes: Buffer.from(publicPem(stranger)).toString("base64") };
    writeFileSync(signature, JSON.stringify(bundle));
    expect(await verifyModel(directory, trustOf(stranger))).toMatchObject({ holds: false, code: "SIGNATURE_INVALID" });
  });

  it.each([
    ["Ed25519", generateKeyPairSync("ed25519"), "ed25519"],
    ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 }), "rsa"],
    ["another curve", generateKeyPairSync("ec", { namedCurve: "secp256k1" }), "secp256k1"],
  ] as const)("of %s are refused by name", async (_what, pair, named) => {
    const signing = await refusal(sign(privatePem(pair)), "SIGNING_KEY_UNSUPPORTED");
    expect(signing.message).toContain(named);
    expect(signing.file).toBe("key");
    const { directory } = await signedModel();
    const verifying = await refusal(verifyModel(directory, trustOf(pair)), "SIGNING_KEY_UNSUPPORTED");
    expect(verifying.message).toContain(named);
  });

  it("that are encrypted need their passphrase", async () => {
    const key = keyPair();
    const sealed = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "correct" } as const;
    const pem = key.privateKey.export(sealed) as string;
    await refusal(sign(pem), "KEY_PASSPHRASE_MISSING");
    const wrong = await refusal(sign(pem, { passphrase: "horse" }), "KEY_PASSPHRASE_WRONG");
    expect(JSON.stringify([wrong.message, wrong.detail, String(wrong.cause)])).not.toContain("horse");
    const directory = writeModel();
    await signModel(directory, { privateKey: { pem }, passphrase: "correct" });
    expect((await verifyModel(directory, trustOf(key))).holds).toBe(true);
    const old = key.privateKey.export({ ...sealed, type: "sec1" }) as string;
    await refusal(sign(old), "KEY_PASSPHRASE_MISSING");
    await sign(old, { passphrase: "correct" });
  });

  it("that are none are refused, and none of them stands in what is said", async () => {
    const secret = privatePem(keyPair());
    const damaged = secret.replace(/^.{30}/m, "");
    for (const pem of ["", "text", publicPem(keyPair()), damaged, secret.slice(0, 100)]) {
      const { message, detail, cause } = await refusal(sign(pem), "SIGNING_KEY_MALFORMED");
      expect(`${message}${detail}${cause}`).not.toContain(secret.split("\n")[1]);
    }
    const { directory } = await signedModel();
    for (const pem of ["", "text", secret, publicPem(keyPair()).slice(0, 80)]) {
      await refusal(verifyModel(directory, { publicKey: { pem } }), "SIGNING_KEY_MALFORMED");
    }
  });

  it("verify no signature that was made with something else", async () => {
    const { directory } = await signedModel();
    const others: Trust[] = [{ roots: { pem: "" } }, { sigstore: { trustedRoot: "{}", identity: "a", issuer: "b" } }];
    for (const trust of others) await refusal(verifyModel(directory, trust), "SIGNATURE_METHOD");
  });

  it("sign the same bytes anew each time, and say the same", async () => {
    const key = keyPair();
    const directory = writeModel();
    const first = await signModel(directory, signerOf(key), { signature: `${directory}.1` });
    const second = await signModel(directory, signerOf(key), { signature: `${directory}.2` });
    expect({ ...second, signature: "" }).toEqual({ ...first, signature: "" });
    const [a, b] = [first, second].map(({ signature }) => readSignature(signature));
    expect(a?.bundle.dsseEnvelope.payload).toBe(b?.bundle.dsseEnvelope.payload);
    expect(readFileSync(first.signature)).not.toEqual(readFileSync(second.signature));
  });
});
