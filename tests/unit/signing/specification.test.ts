import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Trust, verifyModel } from "../../../src/signing/index.ts";
import { refusal } from "../../support/refusal.ts";
import { writeModel } from "../../support/signed-model.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/signing");
const fixture = (name: string) => readFileSync(join(FIXTURES, name), "utf8");
const vector = (name: string) => join(FIXTURES, "specification", `${name}.bundle.json`);

const KEY: Trust = { publicKey: { pem: fixture("signing-key-pub.pem") } };
const ROOTS: Trust = { roots: { pem: fixture("ca-cert.pem") }, at: new Date("2026-11-30") };
const expected = { identity: "stefanb@us.ibm.com", issuer: "https://sigstore.verify.ibm.com/oauth2" };
const SIGSTORE: Trust = { sigstore: { trustedRoot: fixture("trusted_root.json"), ...expected } };

/** What the vectors of keys and certificates sign, and what that of Sigstore does: its first file ends without a line end. */
const LINES = { "signme-1": "signme-1\n", "signme-2": "signme-2", "ignore-me": "" };
const NO_LINE_END = { ...LINES, "signme-1": "signme-1" };

describe("the vectors of the specification", () => {
  it.each([
    ["valid/key", KEY, LINES, "key"],
    ["valid/certificate", ROOTS, LINES, "certificate"],
    ["valid/sigstore", SIGSTORE, NO_LINE_END, "sigstore"],
  ] as const)("%s holds, with the files that it signs", async (name, trust, files, method) => {
    const model = writeModel(files);
    const result = await verifyModel(model, trust, { signature: vector(name) });
    expect(result).toMatchObject({ holds: true, code: null, signedBy: { method } });
    expect(result.files).toMatchObject({ verified: 2, bytes: method === "sigstore" ? 16 : 17, ignored: ["ignore-me"] });
    writeFileSync(join(model, "signme-2"), "signme-3");
    const tampered = await verifyModel(model, trust, { signature: vector(name) });
    expect(tampered).toMatchObject({ holds: false, code: "SIGNED_FILES_CHANGED" });
    expect(tampered.files?.changed).toEqual([{ path: "signme-2", why: "its content is another" }]);
  });

  it.each([
    ["invalid/empty", "SIGNATURE_MALFORMED"],
    ["invalid/missing-envelope", "SIGNATURE_MALFORMED"],
    ["invalid/missing-tlog-entries", "SIGNATURE_MALFORMED"],
    ["invalid/missing-verification-material", "SIGNATURE_MALFORMED"],
  ] as const)("%s is refused", async (name, code) => {
    for (const trust of [KEY, ROOTS, SIGSTORE]) {
      await refusal(verifyModel(writeModel(LINES), trust, { signature: vector(name) }), code);
    }
  });

  it("refuses the payload of another predicate, whose signature is of something else besides", async () => {
    const result = await verifyModel(writeModel(LINES), KEY, { signature: vector("invalid-payload/wrong-predicate") });
    expect(result).toMatchObject({ holds: false, code: "SIGNATURE_INVALID", files: null });
  });
});

describe("Sigstore, without a connection", () => {
  const sigstore = (changes: object): Trust => ({ sigstore: { ...SIGSTORE.sigstore, ...changes } });
  const verify = (trust: Trust, signature = vector("valid/sigstore")) =>
    verifyModel(writeModel(NO_LINE_END), trust, { signature });

  it("says who signed", async () => {
    const { signedBy } = await verify(SIGSTORE);
    expect(signedBy).toEqual({ method: "sigstore", ...expected });
  });

  it.each([
    ["another identity", { identity: "stefanb@us.ibm.co" }],
    ["part of the identity", { identity: "stefanb@us" }],
    ["a pattern", { identity: ".*" }],
    ["no identity", { identity: "" }],
    ["another issuer", { issuer: "https://accounts.google.com" }],
    ["no issuer", { issuer: "" }],
  ])("does not take %s for the signer", async (_what, changes) => {
    expect(await verify(sigstore(changes))).toMatchObject({ holds: false, code: "SIGNER_UNEXPECTED", signedBy: null });
  });

  it("does not believe another instance's roots", async () => {
    const root = JSON.parse(fixture("trusted_root.json"));
    root.certificateAuthorities = root.certificateAuthorities.slice(0, 1);
    const result = await verify(sigstore({ trustedRoot: JSON.stringify(root) }));
    expect(result).toMatchObject({ holds: false, code: "SIGSTORE_UNVERIFIED" });
    root.tlogs = [];
    await refusal(verify(sigstore({ trustedRoot: JSON.stringify(root) })), "TRUSTED_ROOT_MALFORMED");
  });

  it.each(["", "{", "{}", "[]", "null", '{"tlogs":[{}]}'])("refuses %j for a trusted root", async (trustedRoot) => {
    await refusal(verify(sigstore({ trustedRoot })), "TRUSTED_ROOT_MALFORMED");
  });

  it("takes a client's configuration that holds a trusted root", async () => {
    const trustedRoot = JSON.stringify({ trustedRoot: JSON.parse(fixture("trusted_root.json")) });
    expect((await verify(sigstore({ trustedRoot }))).holds).toBe(true);
  });

  it("holds none whose proofs, payload or signature were touched", async () => {
    const text = readFileSync(vector("valid/sigstore"), "utf8");
    // biome-ignore lint/suspicious/noExplicitAny: it is anything that a bundle holds
    const changes: [string, (bundle: any) => void][] = [
      [
        "payload",
        (b) => {
          b.dsseEnvelope.payload = flipped(b.dsseEnvelope.payload);
        },
      ],
      [
        "signature",
        (b) => {
          b.dsseEnvelope.signatures[0].sig = flipped(b.dsseEnvelope.signatures[0].sig);
        },
      ],
      [
        "log's time",
        (b) => {
          b.verificationMaterial.tlogEntries[0].integratedTime = "1";
        },
      ],
      [
        "log's body",
        (b) => {
          const e = b.verificationMaterial.tlogEntries[0];
          e.canonicalizedBody = flipped(e.canonicalizedBody);
        },
      ],
      [
        "log's path",
        (b) => {
          const p = b.verificationMaterial.tlogEntries[0].inclusionProof;
          p.hashes[0] = flipped(p.hashes[0]);
        },
      ],
      [
        "log's key",
        (b) => {
          b.verificationMaterial.tlogEntries[0].logId.keyId = Buffer.alloc(32).toString("base64");
        },
      ],
      [
        "certificate",
        (b) => {
          const c = b.verificationMaterial.certificate;
          c.rawBytes = flipped(c.rawBytes);
        },
      ],
    ];
    const signature = join(writeModel(), "changed.sig");
    for (const [what, change] of changes) {
      const bundle = JSON.parse(text);
      change(bundle);
      writeFileSync(signature, JSON.stringify(bundle));
      const result = await verify(SIGSTORE, signature);
      expect({ what, holds: result.holds, code: result.code }).toEqual({
        what,
        holds: false,
        code: "SIGSTORE_UNVERIFIED",
      });
    }
    copyFileSync(vector("valid/sigstore"), signature);
    expect((await verify(SIGSTORE, signature)).holds).toBe(true);
  });
});

/** The same bytes but for one bit in the middle. */
function flipped(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  bytes[bytes.length >> 1]! ^= 1;
  return bytes.toString("base64");
}
