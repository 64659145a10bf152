import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { signModel, verifyModel } from "../../../src/signing/index.ts";
import {
  type CertificateOptions,
  type Curve,
  certificate,
  EPOCH,
  keyPair,
  NOW,
  privatePem,
  SERVER,
  toPem,
} from "../../support/certificates.ts";
import { refusal } from "../../support/refusal.ts";
import { readSignature, signedModel, trustOf, writeModel } from "../../support/signed-model.ts";

const root = { subject: "root", key: keyPair("P-384") };
const between = { subject: "between", key: keyPair("P-521") };
const ROOT = certificate({ ...root, authority: {} });
const BETWEEN = certificate({ ...between, issuer: root, authority: { pathLength: 0 } });

interface Case {
  readonly leaf?: Partial<CertificateOptions>;
  /** What comes with the leaf. */
  readonly chain?: readonly Uint8Array[];
  readonly roots?: readonly Uint8Array[];
  readonly at?: Date;
  readonly curve?: Curve;
}

/** A model that was signed by the certificate of the case, verified. */
async function verified({ leaf, chain = [BETWEEN], roots = [ROOT], at = NOW, curve }: Case) {
  const key = keyPair(curve);
  const own = certificate({ subject: "signer", key, issuer: between, ...leaf });
  const directory = writeModel();
  const privateKey = { pem: privatePem(key) };
  await signModel(directory, {
    privateKey,
    certificate: { pem: toPem(own) },
    chain: chain.map((der) => ({ pem: toPem(der) })),
  });
  return verifyModel(directory, { roots: { pem: toPem(...roots) }, at });
}

describe("certificates", () => {
  it.each(["P-256", "P-384", "P-521"] as Curve[])("of %s lead to a root", async (curve) => {
    const result = await verified({ curve });
    expect(result).toMatchObject({
      holds: true,
      signedBy: { method: "certificate", subject: "CN=signer", issuer: "CN=between" },
    });
  });

  it.each<[string, Case]>([
    ["one in between that was given with the root", { chain: [], roots: [BETWEEN, ROOT] }],
    ["one that signed itself and is trusted", { leaf: { issuer: undefined as never }, chain: [], roots: [] }],
    [
      "chains in any order, with others among them",
      { chain: [ROOT, certificate({ subject: "x", key: keyPair() }), BETWEEN] },
    ],
    ["key usage alone", { leaf: { purposes: null } }],
    ["extended key usage alone", { leaf: { usage: null } }],
    ["the first moment of its time", { leaf: { notBefore: NOW } }],
    ["the last moment of its time", { leaf: { notAfter: NOW } }],
  ])("hold by %s", async (what, options) => {
    if (!what.includes("itself")) return expect((await verified(options)).holds).toBe(true);
    const key = keyPair();
    const own = certificate({ subject: "self", key });
    const directory = writeModel();
    await signModel(directory, { privateKey: { pem: privatePem(key) }, certificate: { pem: toPem(own) } });
    const result = await verifyModel(directory, { roots: { pem: toPem(own) }, at: NOW });
    return expect(result.holds).toBe(true);
  });

  const stranger = { subject: "root", key: keyPair() };
  const second = { subject: "second", key: keyPair() };
  const late = new Date("2100-01-01");
  it.each<[string, string, Case]>([
    ["that has expired", "CERTIFICATE_EXPIRED", { leaf: { notAfter: new Date("2026-11-30T11:59:59Z") } }],
    ["that is not valid yet", "CERTIFICATE_NOT_YET_VALID", { leaf: { notBefore: late } }],
    ["before its time", "CERTIFICATE_NOT_YET_VALID", { at: new Date("2019-12-31") }],
    [
      "below one that has expired",
      "CERTIFICATE_EXPIRED",
      { chain: [certificate({ ...between, issuer: root, authority: {}, notAfter: new Date("2021-01-01") })] },
    ],
    [
      "below a root that has expired",
      "CERTIFICATE_EXPIRED",
      { roots: [certificate({ ...root, authority: {}, notAfter: new Date("2021-01-01") })] },
    ],
    ["for a web server", "CERTIFICATE_NOT_FOR_SIGNING", { leaf: { purposes: [SERVER] } }],
    ["for encryption", "CERTIFICATE_NOT_FOR_SIGNING", { leaf: { usage: 0x20, purposes: null } }],
    ["for encryption, and code", "CERTIFICATE_NOT_FOR_SIGNING", { leaf: { usage: 0x20 } }],
    ["for nothing that it says", "CERTIFICATE_NOT_FOR_SIGNING", { leaf: { usage: null, purposes: null } }],
    ["of a stranger", "CERTIFICATE_UNTRUSTED", { roots: [certificate({ ...stranger, authority: {} })] }],
    ["whose issuer is not there", "CERTIFICATE_UNTRUSTED", { chain: [] }],
    ["with an issuer but no root", "CERTIFICATE_UNTRUSTED", { roots: [BETWEEN] }],
    [
      "that somebody issued who may not",
      "CERTIFICATE_UNTRUSTED",
      { chain: [certificate({ ...between, issuer: root })] },
    ],
    [
      "that an authority issued whose key may not sign certificates",
      "CERTIFICATE_UNTRUSTED",
      { chain: [certificate({ ...between, issuer: root, authority: {}, usage: 0x80 })] },
    ],
    [
      "further down than its authority allows",
      "CERTIFICATE_UNTRUSTED",
      { leaf: { issuer: second }, chain: [certificate({ ...second, issuer: between, authority: {} }), BETWEEN] },
    ],
    ["signed with SHA-1", "CERTIFICATE_UNTRUSTED", { leaf: { hash: "sha1" } }],
    ["with a critical extension that nobody knows", "CERTIFICATE_UNTRUSTED", { leaf: { unknown: "1.2.3.4" } }],
    [
      "below one with a critical extension that nobody knows",
      "CERTIFICATE_UNTRUSTED",
      { chain: [certificate({ ...between, issuer: root, authority: {}, unknown: "2.5.29.30" })] },
    ],
  ])("do not hold by one %s", async (_what, code, options) => {
    expect(await verified(options)).toMatchObject({ holds: false, code, signedBy: null, files: null });
  });

  it("say which of them expired, and when", async () => {
    const { reason } = await verified({ leaf: { notBefore: EPOCH, notAfter: new Date("2025-01-02T03:04:05Z") } });
    expect(reason).toBe("the certificate of CN=signer expired at 2025-01-02T03:04:05.000Z");
  });

  it("end although all names are the same", async () => {
    const same = Array.from({ length: 14 }, () => certificate({ subject: "same", key: keyPair(), authority: {} }));
    const result = await verified({ leaf: { issuer: { subject: "same", key: keyPair() } }, chain: same });
    expect(result.code).toBe("CERTIFICATE_UNTRUSTED");
  });

  it("that belong to another key, or to none that signs models, are refused", async () => {
    const key = keyPair();
    const privateKey = { pem: privatePem(key) };
    const other = { pem: toPem(certificate({ subject: "other", key: keyPair() })) };
    await refusal(signModel(writeModel(), { privateKey, certificate: other }), "SIGNING_CERTIFICATE_MISMATCH");
    await refusal(signModel(writeModel(), { privateKey, chain: [other] }), "USAGE");
    await refusal(signModel(writeModel(), { privateKey, certificate: { pem: "text" } }), "CERTIFICATE_MALFORMED");

    const edwards = generateKeyPairSync("ed25519");
    const leaf = certificate({ subject: "edwards", key: edwards, issuer: root });
    const { directory, signature } = await signedModel();
    const { bundle } = readSignature(signature);
    const certificates = [{ rawBytes: leaf.toString("base64") }];
    bundle.verificationMaterial = { x509CertificateChain: { certificates } };
    writeFileSync(signature, JSON.stringify(bundle));
    const trust = { roots: { pem: toPem(ROOT) }, at: NOW };
    const error = await refusal(verifyModel(directory, trust), "SIGNING_KEY_UNSUPPORTED");
    expect(error.message).toContain("ed25519");
  });

  it("that are damaged are refused wherever they stand, and so is a signature of another key", async () => {
    const key = keyPair();
    const own = certificate({ subject: "signer", key, issuer: root });
    const { directory, signature } = await signedModel();
    const { bundle } = readSignature(signature);
    const trust = { roots: { pem: toPem(ROOT) }, at: NOW };
    const withChain = (...certificates: readonly Uint8Array[]) => {
      const chain = certificates.map((der) => ({ rawBytes: Buffer.from(der).toString("base64") }));
      bundle.verificationMaterial = { x509CertificateChain: { certificates: chain } };
      writeFileSync(signature, JSON.stringify(bundle));
      return verifyModel(directory, trust);
    };
    expect(await withChain(own)).toMatchObject({ holds: false, code: "SIGNATURE_INVALID" });
    const bad = [own.subarray(0, 200), Buffer.concat([own, own]), Buffer.from("text"), Buffer.alloc(70_000, 0x30)];
    for (const one of bad) {
      await refusal(withChain(one), "CERTIFICATE_MALFORMED");
      await refusal(withChain(own, one), "CERTIFICATE_MALFORMED");
    }
    await withChain(own);
    for (const pem of ["", "text", toPem(own).slice(0, 300), toPem(own.subarray(0, 200))]) {
      await refusal(verifyModel(directory, { roots: { pem }, at: NOW }), "CERTIFICATE_MALFORMED");
    }
    await refusal(verifyModel(directory, trustOf(key)), "SIGNATURE_METHOD");
  });
});
