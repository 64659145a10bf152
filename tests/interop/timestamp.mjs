#!/usr/bin/env node
/**
 * Time stamps against OpenSSL: npm run test:interop:timestamp.
 *
 * A local authority (`openssl ts -reply` behind HTTP) with RSA, with RSA and the older way to name its certificate, and with
 * ECDSA: `openssl ts -query` must read what we ask, we must take what it answers, `openssl ts -verify` must take the token
 * that we keep, and we must refuse, each by its code, what is of other data or another request, changed, cut off, leads to
 * no root, or relies on SHA-1 or a short key.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../../dist/src/", import.meta.url));
if (!existsSync(dist)) {
  console.error("dist/ is missing: run npm run build first.");
  process.exit(1);
}
const { askAuthority } = await import(`file://${dist}timestamps/ask-authority.js`);
const { verifyTimestamp } = await import(`file://${dist}timestamps/verify-timestamp.js`);
const { readTrustedRoots } = await import(`file://${dist}timestamps/trusted-roots.js`);
const { createHttpClient } = await import(`file://${dist}bytes/http/client.js`);

const place = mkdtempSync(join(tmpdir(), "weightmark-tsa-"));
const at = (name) => join(place, name);
const openssl = (...args) => execFileSync("openssl", args, { cwd: place, stdio: ["ignore", "pipe", "pipe"] });
const data = new TextEncoder().encode("what was committed");
const failures = [];
let checks = 0;

function check(what, holds) {
  checks += 1;
  if (!holds) failures.push(what);
}

async function refuses(what, code, work) {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => null,
      (thrown) => thrown,
    );
  check(`${what}: ${code}, not ${error?.code ?? error ?? "taken"}`, error?.code === code);
}

/** Keys by name and what `openssl req` is told about them. */
const KEYS = {
  rsa: ["-newkey", "rsa:2048"],
  ecdsa: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  weak: ["-newkey", "rsa:1024"],
};

function authority(name, kind, signer = "ca") {
  const uses = ["keyUsage=critical,digitalSignature", "extendedKeyUsage=critical,timeStamping"];
  writeFileSync(at(`${name}.ext`), ["basicConstraints=CA:FALSE", ...uses].join("\n"));
  openssl(
    "req",
    "-new",
    "-nodes",
    ...KEYS[kind],
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
    "-subj",
    `/CN=${name}`,
  );
  const by = ["-CA", `${signer}.pem`, "-CAkey", `${signer}.key`, "-CAcreateserial"];
  openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    ...by,
    "-days",
    "30",
    "-sha256",
    "-extfile",
    `${name}.ext`,
    "-out",
    `${name}.pem`,
  );
}

function root(name, kind = "rsa") {
  const about = [
    "-x509",
    "-nodes",
    "-sha256",
    "-days",
    "60",
    "-subj",
    `/CN=${name}`,
    "-addext",
    "keyUsage=critical,keyCertSign",
  ];
  openssl("req", ...about, ...KEYS[kind], "-keyout", `${name}.key`, "-out", `${name}.pem`);
}

/** What the authority of this name answers. */
function reply(name, query, digest = "sha256") {
  const config = [
    "[tsa]",
    "default_tsa = t",
    "[t]",
    `serial = ${at("serial")}`,
    `signer_cert = ${at(`${name}.pem`)}`,
    `certs = ${at("ca.pem")}`,
    `signer_key = ${at(`${name}.key`)}`,
    `signer_digest = ${digest}`,
    "default_policy = 1.2.3.4.1",
    "other_policies = 1.2.3.4.2",
    "digests = sha256, sha384, sha512",
    "accuracy = secs:1, millisecs:500, microsecs:100",
    "ordering = yes",
    "ess_cert_id_chain = no",
    `ess_cert_id_alg = ${name === "first" ? "sha1" : "sha256"}`,
  ];
  writeFileSync(at("tsa.cnf"), config.join("\n"));
  writeFileSync(at("query.tsq"), query);
  openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr");
  return readFileSync(at("reply.tsr"));
}

/** The token in a reply. */
function tokenOf(replied) {
  writeFileSync(at("r.tsr"), replied);
  openssl("ts", "-reply", "-in", "r.tsr", "-token_out", "-out", "r.tst");
  return readFileSync(at("r.tst"));
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const [, name] = request.url.split("/");
    const query = Buffer.concat(pieces);
    const send = (body) => response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(body);
    if (name === "moved") return response.writeHead(307, { location: "/rsa" }).end();
    if (name === "replay") {
      first ??= reply("rsa", query);
      return send(first);
    }
    if (name === "html") return send("<html>");
    if (name === "endless") return send(Buffer.alloc(1 << 20));
    return send(reply(name, query));
  });
});
let first = null;

try {
  root("ca");
  root("other");
  root("curve", "ecdsa");
  authority("rsa", "rsa");
  authority("first", "rsa");
  authority("ecdsa", "ecdsa", "curve");
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const address = (name) => `http://127.0.0.1:${server.address().port}/${name}`;
  const client = createHttpClient({ tries: 1 });
  const ask = async (name, roots, more = {}) =>
    askAuthority(address(name), data, {
      client,
      policy: null,
      roots: await readTrustedRoots(at(`${roots}.pem`)),
      ...more,
    });
  const verify = async (token, roots, given = data) =>
    verifyTimestamp(token, { data: given, roots: await readTrustedRoots(at(`${roots}.pem`)), file: "token" });

  for (const [name, ca] of [
    ["rsa", "ca"],
    ["first", "ca"],
    ["ecdsa", "curve"],
  ]) {
    const before = Date.now();
    const { token, timestamp } = await ask(name, ca);
    const query = openssl("ts", "-query", "-in", "query.tsq", "-text").toString();
    check(
      `${name}: OpenSSL reads our request`,
      /Hash Algorithm: sha256/.test(query) && /Certificate required: yes/.test(query),
    );
    check(`${name}: the time is now`, Math.abs(Date.parse(timestamp.time) - before) < 60_000);
    check(`${name}: the accuracy counts`, Date.parse(timestamp.latest) - Date.parse(timestamp.time) === 1501);
    check(`${name}: who signed`, timestamp.authority === name && timestamp.policy === "1.2.3.4.1" && timestamp.trusted);
    writeFileSync(at("data"), data);
    writeFileSync(at("token"), token);
    const said = openssl(
      "ts",
      "-verify",
      "-data",
      "data",
      "-in",
      "token",
      "-token_in",
      "-CAfile",
      `${ca}.pem`,
    ).toString();
    check(`${name}: OpenSSL takes the token`, /OK/.test(said));
    check(`${name}: again from the file`, (await verify(token, ca)).time === timestamp.time);
    await refuses(`${name}: other data`, "TIMESTAMP_OF_OTHER_DATA", () => verify(token, ca, new Uint8Array(3)));
    await refuses(`${name}: another root`, "TIMESTAMP_UNTRUSTED", () => verify(token, "other"));
    let [cut, turned] = [0, 0];
    for (let i = 0; i < token.length; i += 7) {
      await refuses(`${name}: cut at ${i}`, "TIMESTAMP_MALFORMED", () => verify(token.subarray(0, i), ca));
      cut += 1;
      const changed = Uint8Array.from(token);
      changed[i] ^= 1 << (i & 7);
      const error = await verify(changed, ca).then(
        (one) => one,
        (thrown) => thrown,
      );
      // What nobody signed may change: version numbers, the list of digests, certificates that are not needed.
      if (error.code === undefined) {
        writeFileSync(at("token"), changed);
        check(
          `${name}: byte ${i} changed, and says the same`,
          error.time === timestamp.time && error.serial === timestamp.serial,
        );
      } else {
        check(`${name}: byte ${i} changed: ${error.code}`, error.code.startsWith("TIMESTAMP_"));
        turned += 1;
      }
    }
    console.log(`${name}: cut in ${cut} places, ${turned} of ${cut} changed bytes refused, the rest said the same`);
  }

  const under = await ask("rsa", "ca", { policy: "1.2.3.4.2" });
  check("under another policy", under.timestamp.policy === "1.2.3.4.2");
  await refuses("an unknown policy", "TIMESTAMP_REFUSED", () => ask("rsa", "ca", { policy: "1.2.3.4.9" }));
  await ask("replay", "ca");
  await refuses("an answer to another request", "TIMESTAMP_OF_OTHER_REQUEST", () => ask("replay", "ca"));
  await refuses("a redirect", "HTTP_REDIRECT_REFUSED", () => ask("moved", "ca"));
  await refuses("a page", "TIMESTAMP_MALFORMED", () => ask("html", "ca"));
  await refuses("a reply without end", "HTTP_BODY_WRONG", () => ask("endless", "ca"));

  const query = (...args) => openssl("ts", "-query", "-data", "data", "-cert", ...args);
  await refuses("signed with SHA-1", "TIMESTAMP_ALGORITHM", () =>
    verify(tokenOf(reply("rsa", query("-sha256"), "sha1")), "ca"),
  );
  check("a SHA-512 imprint", (await verify(tokenOf(reply("rsa", query("-sha512"))), "ca")).trusted);
  authority("weak", "weak");
  await refuses("a key of 1024 bits", "TIMESTAMP_ALGORITHM", () =>
    verify(tokenOf(reply("weak", query("-sha256"))), "ca"),
  );
} finally {
  server.close();
  server.closeAllConnections();
  rmSync(place, { recursive: true, force: true });
}

if (failures.length > 0) {
  console.error(failures.slice(0, 40).join("\n"));
  console.error(`${failures.length} of ${checks} checks failed`);
  process.exit(1);
}
console.log(
  `${checks} checks of time stamps against ${execFileSync("openssl", ["version"]).toString().trim()}: all hold`,
);
