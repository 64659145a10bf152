// A time-stamping authority on this machine, in the place of a real one: `node examples/case/authority.mjs ROOT.pem -- COMMAND...`
//
// Makes a root and an authority with openssl, writes the root's certificate to ROOT.pem, and runs a command in whose arguments
// https://tsa.example stands for the address of the authority, which is gone when the command ends.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [root, , command, ...args] = process.argv.slice(2);
const place = mkdtempSync(join(tmpdir(), "weightmark-authority-"));
process.on("exit", () => rmSync(place, { recursive: true, force: true }));
const at = (name) => join(place, name);
const openssl = (...given) => execFileSync("openssl", given, { cwd: place, stdio: ["ignore", "pipe", "pipe"] });

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"];
const usage = "keyUsage=critical,keyCertSign";
openssl(
  "req",
  "-x509",
  ...curve,
  "-days",
  "7300",
  "-subj",
  "/CN=Demonstration root",
  "-addext",
  usage,
  "-keyout",
  "ca.key",
  "-out",
  "ca.pem",
);
openssl("req", "-new", ...curve, "-subj", "/CN=Demonstration time stamps", "-keyout", "tsa.key", "-out", "tsa.csr");
writeFileSync(
  at("tsa.ext"),
  "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n",
);
openssl(
  "x509",
  "-req",
  "-in",
  "tsa.csr",
  "-CA",
  "ca.pem",
  "-CAkey",
  "ca.key",
  "-CAcreateserial",
  "-days",
  "7300",
  "-sha256",
  "-extfile",
  "tsa.ext",
  "-out",
  "tsa.pem",
);
const settings = {
  serial: at("serial"),
  signer_cert: at("tsa.pem"),
  certs: at("ca.pem"),
  signer_key: at("tsa.key"),
  signer_digest: "sha256",
  default_policy: "1.2.3.4.1",
  digests: "sha256",
  accuracy: "secs:1",
  ess_cert_id_alg: "sha256",
};
const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
writeFileSync(at("tsa.cnf"), ["[tsa]", "default_tsa = t", "[t]", ...lines, ""].join("\n"));
writeFileSync(at("serial"), "01\n");
copyFileSync(at("ca.pem"), root);

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  writeFileSync(at("query"), Buffer.concat(pieces));
  openssl("ts", "-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "query", "-out", "reply");
  response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(readFileSync(at("reply")));
});
server.listen(0, "127.0.0.1", () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  const child = spawn(
    command,
    args.map((arg) => arg.replace("https://tsa.example", address)),
    { stdio: "inherit" },
  );
  child.on("exit", (code) => process.exit(code ?? 1));
});
