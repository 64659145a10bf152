#!/usr/bin/env node
/**
 * Signatures against the reference implementation of OpenSSF Model Signing, model-signing 1.1 of PyPI, in both directions:
 * npm run test:interop:signing.
 *
 * 1. what we sign, it verifies; what it signs, we verify: keys and certificates on three curves, whole files and shards, three
 *    hashes, symbolic links, paths left out, names of every kind
 * 2. what was changed after signing, neither takes
 * 3. the model's digest, where both sort alike
 * 4. the signatures of earlier releases that it is tested with itself, if its repository is at hand (`-- --releases DIR`)
 */
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { signModel, verifyModel } from "../../dist/src/signing/index.js";
import { venv } from "./venv.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "weightmark-signing-"));
const at = (...parts) => join(directory, ...parts);

let held = 0;
const counts = new Map();
function holds(what, kind, condition) {
  if (!condition) throw new Error(`WRONG: ${what}`);
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  held++;
}

/** The reference, which takes one task at a time. */
function reference(interpreter) {
  const child = spawn(interpreter, [join(here, "signing.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(task) {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("the reference implementation ended");
      return JSON.parse(value);
    },
    stop: () => child.stdin.end(),
  };
}

const CURVES = ["P-256", "P-384", "P-521"];

/** A key on each curve, with a certificate that leads by another to a root; by openssl, which is where such come from. */
function makeKeys() {
  const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
  const write = (name, text) => writeFileSync(at(name), text, { mode: 0o600 });
  const authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n";
  write("ca.cnf", authority);
  write(
    "leaf.cnf",
    "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
  );
  const certify = (name, issuer, extensions) => {
    openssl("req", "-new", "-key", at(`${name}.pem`), "-subj", `/CN=${name}`, "-out", at(`${name}.csr`));
    const by =
      issuer === null
        ? ["-signkey", at(`${name}.pem`)]
        : ["-CA", at(`${issuer}.crt`), "-CAkey", at(`${issuer}.pem`), "-CAcreateserial"];
    openssl(
      "x509",
      "-req",
      "-in",
      at(`${name}.csr`),
      ...by,
      "-days",
      "3650",
      "-sha384",
      "-extfile",
      at(extensions),
      "-out",
      at(`${name}.crt`),
    );
  };
  const pair = (name, curve) => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
    write(`${name}.pem`, privateKey.export({ type: "pkcs8", format: "pem" }));
    write(`${name}.pub`, publicKey.export({ type: "spki", format: "pem" }));
    const sealed = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" };
    write(`${name}.sealed.pem`, privateKey.export(sealed));
  };
  pair("root", "P-384");
  certify("root", null, "ca.cnf");
  pair("between", "P-256");
  certify("between", "root", "ca.cnf");
  for (const curve of CURVES) {
    pair(curve, curve);
    certify(curve, "between", "leaf.cnf");
  }
}

/** Files of every kind of name that both can hold, some of no bytes, one of many shards. */
function makeModel(path) {
  const files = {
    "model.safetensors": Buffer.alloc(20_000, 7),
    "config.json": "{}\n",
    "a/b": "slash",
    "a.b": "dot",
    "a-b": "dash",
    "sub/deep/er/tokens.txt": "a\nb\n",
    "sub/empty": "",
    "with space and (brackets)": "x",
    "naïve-\u{1f600}-\uffee": "unicode",
    "sub/.git": "not at the root",
    ".gitattributes": "left out",
    ".git/config": "left out",
    "cache/left-out": "left out",
    "cache2/kept": "kept",
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
}

const pem = (name) => ({ pem: readFileSync(at(name), "utf8"), file: name });

async function main() {
  const interpreter = venv("interop-signing-venv", "requirements-signing.txt");
  const version = execFileSync(interpreter, [
    "-c",
    "import importlib.metadata as m; print(m.version('model-signing'))",
  ]);
  console.log(`model-signing ${String(version).trim()}`);
  makeKeys();
  const theirs = reference(interpreter);
  makeModel(at("plain"));
  makeModel(at("linked"));
  symlinkSync("model.safetensors", at("linked", "link.safetensors"));
  symlinkSync("../config.json", at("linked", "sub", "link.json"));

  const serializations = [
    { hash: "sha256" },
    { hash: "sha256", shardSize: 1000 },
    { hash: "blake2b" },
    { hash: "blake3" },
    { hash: "blake2b", shardSize: 4096 },
    { hash: "sha256", shardSize: 1_000_000_000 },
  ];
  for (const curve of CURVES) {
    for (const by of ["key", "certificate"]) {
      for (const serialization of serializations.slice(0, 2)) {
        await bothWays(theirs, { curve, by, model: "plain", ...serialization });
      }
    }
  }
  for (const model of ["plain", "linked"]) {
    for (const serialization of serializations)
      await bothWays(theirs, { curve: "P-256", by: "key", model, ...serialization });
  }
  await encrypted(theirs);
  await loneFile(theirs);
  await digests(theirs);
  theirs.stop();
  for (const [kind, count] of counts) console.log(`  ${count} checks held: ${kind}`);
  const releases = process.argv[process.argv.indexOf("--releases") + 1];
  if (process.argv.includes("--releases")) await earlierReleases(releases);
  console.log(`${held} checks held`);
}

async function bothWays(theirs, { curve, by, model, hash, shardSize }) {
  const what = JSON.stringify({ curve, by, model, hash, shardSize });
  const path = at(model);
  const allowSymlinks = model === "linked";
  const byKey = by === "key";
  const common = { model: path, hash, shardSize, ignore: ["cache"], allowSymlinks };
  const trust = byKey ? { publicKey: pem(`${curve}.pub`) } : { roots: pem("root.crt") };
  const signer = {
    privateKey: pem(`${curve}.pem`),
    ...(byKey ? {} : { certificate: pem(`${curve}.crt`), chain: [pem("between.crt"), pem("root.crt")] }),
  };
  const they = {
    ...common,
    privateKey: at(`${curve}.pem`),
    ...(byKey
      ? { publicKey: at(`${curve}.pub`) }
      : { certificate: at(`${curve}.crt`), chain: [at("between.crt"), at("root.crt")], roots: at("root.crt") }),
  };

  const ours = at("ours.sig");
  await signModel(path, signer, { signature: ours, replace: true, hash, shardSize, allowSymlinks, ignore: ["cache"] });
  const verified = await theirs.run({ action: "verify", signature: ours, ...they });
  holds(`what we signed, it verifies: ${what}: ${verified.why}`, "what we sign, the reference verifies", verified.ok);
  // It cannot guess links, nor the name that it gave to blake2b itself.
  if (!allowSymlinks && hash !== "blake2b") {
    const guessed = await theirs.run({ action: "verify", signature: ours, ...they, guess: true });
    holds(`without being told how: ${what}: ${guessed.why}`, "and without being told how it was hashed", guessed.ok);
  }

  const its = at("theirs.sig");
  const signed = await theirs.run({ action: "sign", signature: its, ...they });
  holds(`it signs: ${what}: ${signed.why}`, "the reference signs", signed.ok);
  const result = await verifyModel(path, trust, { signature: its });
  holds(
    `what it signed, we verify: ${what}: ${JSON.stringify(result)}`,
    "what the reference signs, we verify",
    result.holds,
  );

  // One byte of one file, after both have signed.
  const changed = at("changed");
  rmSync(changed, { recursive: true, force: true });
  cpSync(path, changed, { recursive: true, verbatimSymlinks: true });
  appendFileSync(join(changed, "a.b"), "!");
  const [refused, ourRefusal] = [
    await theirs.run({ action: "verify", signature: ours, ...they, model: changed }),
    await verifyModel(changed, trust, { signature: its }),
  ];
  holds(
    `changed, it refuses: ${what}`,
    "what was changed, the reference refuses",
    !refused.ok && /a\.b/.test(refused.why),
  );
  const named = ourRefusal.files?.changed.map(({ path: name }) => name).join();
  holds(
    `changed, we refuse: ${what}`,
    "what was changed, we refuse and name",
    ourRefusal.code === "SIGNED_FILES_CHANGED" && named === "a.b",
  );
}

async function encrypted(theirs) {
  const common = { model: at("plain"), hash: "sha256", ignore: [], publicKey: at("P-384.pub") };
  const signed = await theirs.run({
    action: "sign",
    signature: at("sealed.sig"),
    privateKey: at("P-384.sealed.pem"),
    password: "secret",
    ...common,
  });
  const result = await verifyModel(at("plain"), { publicKey: pem("P-384.pub") }, { signature: at("sealed.sig") });
  await signModel(
    at("plain"),
    { privateKey: pem("P-384.sealed.pem"), passphrase: "secret" },
    { signature: at("sealed2.sig") },
  );
  const verified = await theirs.run({ action: "verify", signature: at("sealed2.sig"), ...common });
  holds("encrypted keys", "keys that are encrypted, both ways", signed.ok && result.holds && verified.ok);
}

/** A model of one file, which the reference calls by no name. */
async function loneFile(theirs) {
  const model = at("plain", "model.safetensors");
  for (const shardSize of [null, 10]) {
    const signature = at(`lone-${shardSize}.sig`);
    const signed = await theirs.run({
      action: "sign",
      signature,
      model,
      hash: "sha256",
      shardSize,
      ignore: [],
      privateKey: at("P-256.pem"),
    });
    const result = await verifyModel(model, { publicKey: pem("P-256.pub") }, { signature });
    const what = `what the reference signs of one file${shardSize === null ? "" : ", in pieces"}, we verify`;
    holds(`one file: ${signed.why}`, what, signed.ok && result.holds);
  }
}

/** Where no name has what sorts before a slash, the reference's order is that of the specification, and so is its digest. */
async function digests(theirs) {
  rmSync(at("plain", "a.b"));
  rmSync(at("plain", "a-b"));
  for (const hash of ["sha256", "blake2b", "blake3"]) {
    const ours = await signModel(
      at("plain"),
      { privateKey: pem("P-256.pem") },
      { signature: at("d.sig"), replace: true, hash },
    );
    await theirs.run({
      action: "sign",
      signature: at("d2.sig"),
      model: at("plain"),
      hash,
      ignore: [],
      privateKey: at("P-256.pem"),
    });
    const result = await verifyModel(at("plain"), { publicKey: pem("P-256.pub") }, { signature: at("d2.sig") });
    holds(`digest ${hash}`, "the model's digest is the reference's", result.signed.digest === ours.digest);
  }
}

/** scripts/tests of the reference's repository. */
async function earlierReleases(tests) {
  const file = (...parts) => ({ pem: readFileSync(join(tests, ...parts), "utf8") });
  for (const version of ["v1.0.1", "v1.1.0"]) {
    const key = join(tests, `${version}-elliptic-key`);
    const byKey = await verifyModel(
      key,
      { publicKey: file("keys/certificate/signing-key-pub.pem") },
      { ignore: ["ignore-me"] },
    );
    holds(`${version} by key`, "earlier releases", byKey.holds);
    const certificate = join(tests, `${version}-certificate`);
    const roots = file("keys/certificate/ca-cert.pem");
    const byCertificate = await verifyModel(certificate, { roots }, { ignore: ["ignore-me"] });
    holds(`${version} by certificate`, "earlier releases", byCertificate.holds);
  }
  console.log(`  ${counts.get("earlier releases")} checks held: signatures of earlier releases of the reference`);
}

try {
  await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
