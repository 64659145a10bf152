import { createHash, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../src/errors.ts";
import { verifyModel } from "../../../src/signing/index.ts";
import { refusal } from "../../support/refusal.ts";
import { readSignature, type SignedModel, signedModel } from "../../support/signed-model.ts";

// biome-ignore lint/suspicious/noExplicitAny: these are signatures that hold anything
type Any = any;

async function changed(change: (bundle: Any) => void): Promise<SignedModel> {
  const model = await signedModel();
  const { bundle } = readSignature(model.signature);
  change(bundle);
  writeFileSync(model.signature, JSON.stringify(bundle));
  return model;
}

/** What is signed instead of a statement. */
class Text {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A statement that the right key signed, whatever it says. */
async function stating(change: (statement: Any) => unknown, options = {}): Promise<SignedModel> {
  const model = await signedModel(options);
  const { bundle, statement } = readSignature(model.signature);
  const replaced = change(statement);
  const payload = Buffer.from(replaced instanceof Text ? replaced.text : JSON.stringify(statement));
  const type = "application/vnd.in-toto+json";
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const signature = sign("sha256", encoded, model.key.privateKey).toString("base64");
  bundle.dsseEnvelope = { payload: payload.toString("base64"), payloadType: type, signatures: [{ sig: signature }] };
  writeFileSync(model.signature, JSON.stringify(bundle));
  return model;
}

/** The root digest of what the resources have become, so that they are refused for themselves. */
function settleRoot(statement: Any): void {
  const hash = createHash("sha256");
  for (const { digest } of statement.predicate.resources) hash.update(Buffer.from(digest, "hex"));
  statement.subject[0].digest.sha256 = hash.digest("hex");
}

const verify = ({ directory, trust }: SignedModel) => verifyModel(directory, trust);

describe("a signature file", () => {
  it.each<[string, ErrorCode, (bundle: Any) => void]>([
    [
      "another version",
      "SIGNATURE_UNSUPPORTED",
      (b) => (b.mediaType = "application/vnd.dev.sigstore.bundle.v0.4+json"),
    ],
    [
      "an older version",
      "SIGNATURE_UNSUPPORTED",
      (b) => (b.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.1"),
    ],
    ["no version", "SIGNATURE_MALFORMED", (b) => delete b.mediaType],
    ["another payload", "SIGNATURE_UNSUPPORTED", (b) => (b.dsseEnvelope.payloadType = "text/plain")],
    ["no envelope", "SIGNATURE_MALFORMED", (b) => delete b.dsseEnvelope],
    ["an empty payload", "SIGNATURE_MALFORMED", (b) => (b.dsseEnvelope.payload = "")],
    ["a payload that is no base64", "SIGNATURE_MALFORMED", (b) => (b.dsseEnvelope.payload += "!")],
    ["no signature", "SIGNATURE_MALFORMED", (b) => (b.dsseEnvelope.signatures = [])],
    ["two signatures", "SIGNATURE_MALFORMED", (b) => b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0])],
    ["an empty signature", "SIGNATURE_MALFORMED", (b) => (b.dsseEnvelope.signatures[0].sig = "")],
    ["a message beside the envelope", "SIGNATURE_MALFORMED", (b) => (b.messageSignature = { signature: "AA==" })],
    ["no material", "SIGNATURE_MALFORMED", (b) => delete b.verificationMaterial],
    ["empty material", "SIGNATURE_MALFORMED", (b) => (b.verificationMaterial = {})],
    ["a key that is not named", "SIGNATURE_MALFORMED", (b) => (b.verificationMaterial.publicKey = {})],
    ["two ways", "SIGNATURE_MALFORMED", (b) => (b.verificationMaterial.certificate = { rawBytes: "AA==" })],
    [
      "an empty chain",
      "SIGNATURE_MALFORMED",
      (b) => (b.verificationMaterial = { x509CertificateChain: { certificates: [] } }),
    ],
    [
      "a chain of thousands",
      "SIGNATURE_MALFORMED",
      (b) =>
        (b.verificationMaterial = { x509CertificateChain: { certificates: Array(2000).fill({ rawBytes: "AA==" }) } }),
    ],
  ])("with %s is refused", async (_what, code, change) => {
    await refusal(verify(await changed(change)), code);
  });

  it("may have fields that nobody knows, null for none, other base64 and an older way to name its version", async () => {
    const model = await changed((b) => {
      b.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.3";
      b.unknown = { a: [1] };
      b.messageSignature = null;
      b.verificationMaterial.certificate = null;
      delete b.verificationMaterial.tlogEntries;
      b.dsseEnvelope.signatures[0] = { sig: b.dsseEnvelope.signatures[0].sig, keyid: null, more: 1 };
      b.dsseEnvelope.payload = b.dsseEnvelope.payload.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    });
    expect((await verify(model)).holds).toBe(true);
  });

  it("that is cut off anywhere is refused, or holds no more", async () => {
    const model = await signedModel();
    const bytes = readFileSync(model.signature);
    for (let length = 0; length < bytes.length - 1; length += 53) {
      writeFileSync(model.signature, bytes.subarray(0, length));
      await refusal(verify(model), "SIGNATURE_MALFORMED");
    }
  });

  it("of which a byte was changed never holds for other content", async () => {
    const model = await signedModel();
    const bytes = readFileSync(model.signature);
    const { bundle } = readSignature(model.signature);
    const payload = bundle.dsseEnvelope.payload as string;
    const start = bytes.indexOf(payload);
    for (let at = start; at < start + payload.length; at += 31) {
      const forged = Buffer.from(bytes);
      forged[at] = forged[at] === 0x41 ? 0x42 : 0x41;
      if (forged.equals(bytes)) continue;
      writeFileSync(model.signature, forged);
      const outcome = await verify(model).then(
        ({ code }) => code,
        (error) => error.code,
      );
      expect(["SIGNATURE_INVALID", "SIGNATURE_MALFORMED"]).toContain(outcome);
    }
  });

  it("in which a key stands twice, or that is too deep, is refused", async () => {
    const model = await signedModel();
    const text = readFileSync(model.signature, "utf8");
    for (const bad of [
      text.replace('"mediaType"', '"mediaType":"x","mediaType"'),
      text.replace('"mediaType"', `"more":${"[".repeat(40)}${"]".repeat(40)},"mediaType"`),
      `\ufeff${text}`,
      `${text}{}`,
      "[]",
      "null",
      '"text"',
    ]) {
      writeFileSync(model.signature, bad);
      await refusal(verify(model), "SIGNATURE_MALFORMED");
    }
  });

  it("that is not there, or larger than any, is refused", async () => {
    const { directory, trust } = await signedModel();
    await refusal(verifyModel(directory, trust, { signature: `${directory}/no.sig` }), "SIGNATURE_REQUIRED");
    writeFileSync(`${directory}/large.sig`, Buffer.alloc((64 << 20) + 1));
    await refusal(verifyModel(directory, trust, { signature: `${directory}/large.sig` }), "SIGNATURE_LIMIT");
  });
});

describe("a statement that the right key signed", () => {
  const resource = { name: "config.json", algorithm: "sha256", digest: "0".repeat(64) };
  it.each<[string, ErrorCode, (statement: Any) => unknown]>([
    ["another type", "SIGNATURE_UNSUPPORTED", (s) => (s._type = "https://in-toto.io/Statement/v0.1")],
    ["another predicate", "SIGNATURE_UNSUPPORTED", (s) => (s.predicateType = "https://slsa.dev/provenance/v1")],
    [
      "the predicate of before 1.0",
      "SIGNATURE_UNSUPPORTED",
      (s) => (s.predicateType = "https://model_signing/Digests/v0.1"),
    ],
    ["no JSON", "SIGNATURE_MALFORMED", () => new Text("{")],
    [
      "a key twice",
      "SIGNATURE_MALFORMED",
      (s) => new Text(JSON.stringify(s).replace('"subject"', '"subject":[],"subject"')),
    ],
    ["two subjects", "SIGNATURE_MALFORMED", (s) => s.subject.push(s.subject[0])],
    ["another root digest", "SIGNATURE_MALFORMED", (s) => (s.subject[0].digest.sha256 = "0".repeat(64))],
    ["no resources", "SIGNATURE_MALFORMED", (s) => (s.predicate.resources = [])],
    ["a resource twice", "SIGNATURE_MALFORMED", (s) => s.predicate.resources.push(s.predicate.resources[0])],
    ["an unknown method", "SIGNATURE_MALFORMED", (s) => (s.predicate.serialization.method = "tensors")],
    ["an unknown hash", "SIGNATURE_MALFORMED", (s) => (s.predicate.serialization.hash_type = "md5")],
    ["an unknown parameter", "SIGNATURE_MALFORMED", (s) => (s.predicate.serialization.skip = ["*"])],
    ["files of a shard size", "SIGNATURE_MALFORMED", (s) => (s.predicate.serialization.shard_size = 5)],
    ["shards of no size", "SIGNATURE_MALFORMED", (s) => (s.predicate.serialization.method = "shards")],
    ["an algorithm of its own", "SIGNATURE_MALFORMED", (s) => (s.predicate.resources[0].algorithm = "blake3")],
    ["a digest that is too short", "SIGNATURE_MALFORMED", (s) => (s.predicate.resources[0].digest = "00")],
    ["a digest in capitals", "SIGNATURE_MALFORMED", (s) => (s.predicate.resources[0].digest = "A".repeat(64))],
    ["all left out", "SIGNATURE_MALFORMED", (s) => (s.predicate.serialization.ignore_paths = ["."])],
    ["something above left out", "SIGNATURE_MALFORMED", (s) => (s.predicate.serialization.ignore_paths = ["../x"])],
    ...["/etc/passwd", "../x", "a/../b", "./a", "a//b", "a/", "", "a\u0000b"].map(
      (name): [string, ErrorCode, (s: Any) => unknown] => [
        `the name ${JSON.stringify(name)}`,
        "SIGNATURE_MALFORMED",
        (s) => {
          s.predicate.resources = [{ ...resource, name }];
          settleRoot(s);
        },
      ],
    ),
  ])("is refused with %s", async (_what, code, change) => {
    await refusal(verify(await stating(change)), code);
  });

  it.each<[string, (resources: Any[]) => unknown]>([
    ["leave a gap", (all) => all.splice(0, 1)],
    ["overlap", (all) => (all[1].name = "model.safetensors:5:15")],
    ["are of another size", (all) => (all[0].name = "model.safetensors:0:9")],
    ["begin at their end", (all) => (all[0].name = "model.safetensors:10:10")],
    ["are no numbers", (all) => (all[0].name = "model.safetensors:0x0:0xa")],
    ["have no range", (all) => (all[0].name = "model.safetensors")],
  ])("is refused where pieces %s", async (_what, change) => {
    const model = await stating(
      (s) => {
        const all = s.predicate.resources.filter(({ name }: Any) => name.startsWith("model"));
        change(all);
        s.predicate.resources = all;
        settleRoot(s);
      },
      { shardSize: 10 },
    );
    await refusal(verify(model), "SIGNATURE_MALFORMED");
  });

  it.each([
    ["pieces of one file, by no name", (i: number) => [".:0:10", ".:10:18"][i]!, null],
    ["one file among others", (i: number) => [".:0:10", "model.safetensors:10:18"][i]!, "SIGNATURE_MALFORMED"],
    ["no range", () => ".", "SIGNATURE_MALFORMED"],
  ] as const)("may be of %s", async (_what, nameOf, code) => {
    const { signature, directory, trust } = await stating(
      (s) => {
        s.predicate.resources = s.predicate.resources.filter(({ name }: Any) => name.startsWith("model"));
        if (nameOf(0) === ".") s.predicate.resources.length = 1;
        for (const [i, one] of s.predicate.resources.entries()) one.name = nameOf(i);
        s.subject[0].name = "model.safetensors";
        settleRoot(s);
      },
      { shardSize: 10 },
    );
    const verified = verifyModel(join(directory, "model.safetensors"), trust, { signature });
    if (code !== null) await refusal(verified, code);
    else expect(await verified).toMatchObject({ holds: true, files: { verified: 1, bytes: 18 } });
  });
});
