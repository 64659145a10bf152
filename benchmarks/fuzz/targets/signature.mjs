import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readBundle } from "../../../dist/src/signing/bundle.js";
import { resourceName } from "../../../dist/src/signing/manifest.js";
import { readStatement } from "../../../dist/src/signing/statement.js";
import { verifySigner } from "../../../dist/src/signing/trust.js";
import { changedBytes, roughly, utf8 } from "../bytes.mjs";
import { must, mustEqual } from "../invariant.mjs";
import { changedTree, textOf, treeOf } from "../json-tree.mjs";

const fixture = (name) =>
  readFileSync(fileURLToPath(new URL(`../../../tests/fixtures/signing/${name}`, import.meta.url)), "utf8");

/** By each way of signing: a bundle that holds, and who is believed. */
const WAYS = [
  ["key", { publicKey: { pem: fixture("signing-key-pub.pem") } }],
  ["certificate", { roots: { pem: fixture("ca-cert.pem") }, at: new Date("2026-11-30") }],
  [
    "sigstore",
    {
      sigstore: {
        trustedRoot: fixture("trusted_root.json"),
        identity: "stefanb@us.ibm.com",
        issuer: "https://sigstore.verify.ibm.com/oauth2",
      },
    },
  ],
].map(([name, trust]) => ({ trust, bundle: JSON.parse(fixture(`specification/valid/${name}.bundle.json`)) }));
const SIGNED = WAYS.map(({ bundle }) => bundle.dsseEnvelope.payload);

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const decoded = (text) => Buffer.from(text, "base64");

/**
 * Names of resources are compared with those of files and never opened: "/" alone parts them, as the specification has it, and
 * a backslash is a character like any other.
 */
const isName = (part) => part !== "" && part !== "." && part !== "..";

/** A bundle in which what stands as base64 was changed below that: the statement, the signature, a certificate, a proof. */
function changedInside(random, given) {
  const bundle = structuredClone(given);
  const { dsseEnvelope, verificationMaterial } = bundle;
  const [signature] = dsseEnvelope.signatures;
  const certificates = verificationMaterial.x509CertificateChain?.certificates ?? [];
  const holders = [
    [signature, "sig"],
    [dsseEnvelope, "payload"],
    ...certificates.map((one) => [one, "rawBytes"]),
    ...(verificationMaterial.certificate ? [[verificationMaterial.certificate, "rawBytes"]] : []),
    ...(verificationMaterial.tlogEntries ?? []).map((one) => [one, "canonicalizedBody"]),
  ];
  if (random.chance(0.4)) {
    const statement = JSON.parse(decoded(dsseEnvelope.payload).toString("utf8"));
    dsseEnvelope.payload = base64(utf8(textOf(changedTree(random, treeOf(statement)))));
    return bundle;
  }
  const [holder, field] = random.pick(holders);
  holder[field] = base64(changedBytes(random, decoded(holder[field])));
  return bundle;
}

/**
 * Signatures of models: whatever was changed, nobody is taken for the signer of a statement but of that which was signed; and
 * what a statement names stays below the model.
 */
export const target = {
  name: "signature",
  extension: "json",
  make(random) {
    const { bundle } = random.pick(WAYS);
    const inside = random.chance(0.6) ? changedInside(random, bundle) : bundle;
    const tree = treeOf(inside);
    return roughly(random, textOf(random.chance(0.5) ? changedTree(random, tree) : tree));
  },
  async check(bytes) {
    const read = readBundle(bytes, "model.sig");
    let first = null;
    let proven = 0;
    for (const { trust } of WAYS) {
      try {
        await verifySigner(read, trust, "model.sig");
        proven += 1;
      } catch (error) {
        if (error.name !== "WeightmarkError") throw error;
        // That it is verified in another way is news only where it is in none.
        if (first === null || first.code === "SIGNATURE_METHOD") first = error;
      }
    }
    must(proven <= 1, "a signature of two kinds");
    must(proven === 0 || SIGNED.includes(base64(read.payload)), "a statement that nobody signed is taken for signed");
    const { resources } = readStatement(read.payload, "model.sig");
    for (const { path } of resources) must(path.split("/").every(isName), "a resource is no canonical path");
    mustEqual(new Set(resources.map(resourceName)).size, resources.length, "resources that stand twice");
    if (proven === 0) throw first;
  },
};
