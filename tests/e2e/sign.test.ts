import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorReport, RegistryReport, SignReport, VerifyReport } from "../../src/report/schemas/index.ts";
import { certificate, keyPair, privatePem, publicPem, toPem } from "../support/certificates.ts";
import { startCommandServer } from "../support/command.ts";
import { requireValid } from "../support/schemas.ts";
import { scratchDirectory } from "../support/scratch-directory.ts";
import { tinyModel, writeModel } from "../support/tiny-model.ts";

const root = scratchDirectory();
const at = (...parts: string[]) => join(root, ...parts);
const server = startCommandServer();
const key = keyPair();

async function json<T>(schema: string, args: readonly string[], exitCode = 0): Promise<T> {
  const result = await server.run([...args, "--json"], root);
  expect(result, result.stderr).toMatchObject({ exitCode });
  return requireValid<T>(schema, JSON.parse(schema === "error@1" ? result.stderr : result.stdout));
}
const refused = async (args: readonly string[], exitCode = 3) =>
  (await json<ErrorReport>("error@1", args, exitCode)).error;
const text = async (args: readonly string[]) => (await server.run(args, root)).stdout;

afterAll(() => server.stop());

beforeAll(() => {
  writeModel(at("model"), tinyModel(1));
  const authority = { subject: "root", key: keyPair() };
  const secrets = [
    ["key.pem", privatePem(key)],
    ["key.pub", publicPem(key)],
    ["other.pub", publicPem(keyPair())],
    ["sealed.pem", key.privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "pass" })],
    ["pass", "pass\n"],
    ["root.crt", toPem(certificate({ ...authority, authority: {} }))],
    ["own.crt", toPem(certificate({ subject: "evil\u001b[2J", key, issuer: authority }))],
  ] as const;
  for (const [name, content] of secrets) writeFileSync(at(name), content, { mode: 0o600 });
});

describe("sign and verify", () => {
  it("say what was signed, by whom, and that it holds", async () => {
    const { signed, output } = await json<SignReport>("sign@1", ["sign", "model", "--private-key", "key.pem"]);
    expect(signed).toMatchObject({ method: "key", curve: "P-256", name: "model", hash: "sha256", shardSize: null });
    expect(output.location).toBe(join("model", "model.sig"));
    const report = await json<VerifyReport>("verify@1", ["verify", "model", "--public-key", "key.pub"]);
    expect(report).toMatchObject({ holds: true, code: null, signed: { digest: signed.digest } });
    expect(await text(["verify", "model", "--public-key", "key.pub"])).toMatch(/^signature holds: model\n/);
    expect((await refused(["sign", "model", "--private-key", "key.pem"])).code).toBe("OUTPUT_EXISTS");
    await json<SignReport>("sign@1", ["sign", "model", "--private-key", "key.pem", "--force", "--shard-size", "1kB"]);
    await json<VerifyReport>("verify@1", ["verify", "model", "--public-key", "key.pub"]);
  });

  it("exit with 1 and name every file when it does not hold", async () => {
    cpSync(at("model"), at("changed"), { recursive: true });
    const weights = readFileSync(at("changed/model.safetensors"));
    weights[weights.length - 1]! ^= 1;
    writeFileSync(at("changed/model.safetensors"), weights);
    writeFileSync(at("changed/evil\u001b[2J.bin"), "x");
    const verify = ["verify", "changed", "--public-key", "key.pub"];
    const report = await json<VerifyReport>("verify@1", verify, 1);
    expect(report).toMatchObject({ holds: false, code: "SIGNED_FILES_CHANGED", files: { missing: [] } });
    expect(report.files?.changed.map(({ path }) => path)).toEqual(["model.safetensors"]);
    expect(report.files?.unsigned).toEqual(["evil\u001b[2J.bin"]);
    const shown = await text(verify);
    expect(shown).toMatch(/^signature does not hold \(SIGNED_FILES_CHANGED\): changed\n/);
    expect(shown).toMatch(/Not signed\n {2}- evil\\u\{?0*1b/);
    expect(shown).not.toContain("\u001b");
    writeFileSync(at("changed/model.safetensors"), readFileSync(at("model/model.safetensors")));
    const more = await text(verify);
    expect(more).toContain("\n  files that were never signed are there beside those that were\n");
    expect(more).toMatch(/What to do next\n {2}Do not use the files .*\(--ignore-unsigned-files\)\.\n/);
    const other = await json<VerifyReport>("verify@1", ["verify", "model", "--public-key", "other.pub"], 1);
    expect(other).toMatchObject({ holds: false, code: "SIGNATURE_KEY_MISMATCH", signedBy: null, files: null });
  });

  it("go by certificates, as of a time", async () => {
    const sign = [
      "sign",
      "model",
      "--private-key",
      "key.pem",
      "--signature",
      "by.sig",
      "--signing-certificate",
      "own.crt",
    ];
    await json<SignReport>("sign@1", sign);
    const verify = [
      "verify",
      "model",
      "--signature",
      "by.sig",
      "--ignore-paths",
      "model.sig",
      "--certificate-chain",
      "root.crt",
    ];
    const report = await json<VerifyReport>("verify@1", [...verify, "--at", "2026-11-30"]);
    expect(report.signedBy).toMatchObject({ method: "certificate", subject: "CN=evil\\1B[2J", issuer: "CN=root" });
    expect(await text([...verify, "--at", "2026-11-30"])).not.toContain("\u001b");
    const late = await json<VerifyReport>("verify@1", [...verify, "--at", "2130-01-01"], 1);
    expect(late.code).toBe("CERTIFICATE_EXPIRED");
    expect(await text([...verify, "--at", "2130-01-01"])).toMatch(/verify it as of that time \(--at\)/);
  });

  it("take a passphrase from a file, and no private key that lies open", async () => {
    const sign = ["sign", "model", "--signature", "sealed.sig", "--ignore-paths", "model.sig", "--private-key"];
    expect((await refused([...sign, "sealed.pem"], 2)).code).toBe("KEY_PASSPHRASE_MISSING");
    await json<SignReport>("sign@1", [...sign, "sealed.pem", "--passphrase-file", "pass"]);
    chmodSync(at("key.pem"), 0o644);
    const error = await refused([...sign, "key.pem", "--force"]);
    chmodSync(at("key.pem"), 0o600);
    expect(error.code).toBe("KEY_FILE_PERMISSIONS");
  });

  it("refuse what makes no sense", async () => {
    const usage = [
      ["verify", "model"],
      ["verify", "model", "--public-key", "key.pub", "--certificate-chain", "root.crt"],
      ["verify", "model", "--trusted-root", "x.json"],
      ["verify", "model", "--public-key", "key.pub", "--identity", "me"],
      ["verify", "model", "--public-key", "key.pub", "--at", "2026-11-30"],
      ["verify", "model", "--certificate-chain", "root.crt", "--at", "yesterday"],
      ["verify", "model", "--certificate-chain", "root.crt", "--at", "2026-02-30"],
      ["verify", "model", "--certificate-chain", "root.crt", "--at", "2026-11-30T12:00:00"],
      ["verify", "hf:org/name", "--public-key", "key.pub"],
      ["sign", "model"],
      ["sign", "model", "--private-key", "key.pem", "--shard-size", "0"],
    ];
    for (const args of usage) expect((await refused(args, 2)).code).toBe("USAGE");
    expect((await refused(["verify", "model", "--public-key", "key.pem"])).code).toBe("SIGNING_KEY_MALFORMED");
    const missing = ["verify", "model", "--public-key", "key.pub", "--signature", "no.sig"];
    expect((await refused(missing)).code).toBe("SIGNATURE_REQUIRED");
  });
});

describe("registry --require-signature", () => {
  const registry = (name: string, ...args: string[]) =>
    json<RegistryReport>("registry@1", ["registry", ...args, "--registry", name]);

  it("takes in fingerprints and archives that were signed, and nothing else", async () => {
    await server.run(["fingerprint", "model", "-o", "base.fp"], root);
    const add = ["add", "base.fp", "--require-signature", "key.pub"];
    const into = (name: string, args: readonly string[]) => ["registry", ...args, "--registry", name];
    expect((await refused(into("none", add))).code).toBe("SIGNATURE_REQUIRED");
    await json<SignReport>("sign@1", ["sign", "base.fp", "--private-key", "key.pem"]);
    const { changes } = await registry("bases", ...add);
    expect(changes).toMatchObject([{ status: "added", entry: { name: "base.fp" } }]);
    expect((await refused(into("none", ["add", "base.fp", "--require-signature", "other.pub"]))).code).toBe(
      "SIGNATURE_KEY_MISMATCH",
    );
    expect((await refused(into("none", ["add", "model", "--require-signature", "key.pub"]), 2)).code).toBe("USAGE");
    expect((await refused(into("none", ["add", "base.fp", "--signature", "base.fp.sig"]), 2)).code).toBe("USAGE");

    await registry("bases", "export", "-o", "bases.jsonl");
    const bring = ["import", "bases.jsonl", "--require-signature", "root.crt"];
    expect((await refused(into("none", bring))).code).toBe("SIGNATURE_REQUIRED");
    await json<SignReport>("sign@1", [
      "sign",
      "bases.jsonl",
      "--private-key",
      "key.pem",
      "--signing-certificate",
      "own.crt",
    ]);
    writeFileSync(at("kept.jsonl"), readFileSync(at("bases.jsonl")));
    writeFileSync(at("bases.jsonl"), readFileSync(at("bases.jsonl"), "utf8").replace('"root":false', '"root":true '));
    expect((await refused(into("none", bring))).code).toBe("SIGNED_FILES_CHANGED");
    writeFileSync(at("bases.jsonl"), readFileSync(at("kept.jsonl")));
    expect((await registry("copy", ...bring)).changes).toMatchObject([{ status: "added" }]);
    const left = existsSync(at("none")) ? readdirSync(at("none"), { recursive: true, encoding: "utf8" }) : [];
    expect(left.filter((name) => name !== "fingerprints")).toEqual([]);
  });

  it("has registries that are signed as directories are", async () => {
    await json<SignReport>("sign@1", ["sign", "bases", "--private-key", "key.pem", "--signature", "bases.sig"]);
    const verify = ["verify", "bases", "--signature", "bases.sig", "--public-key", "key.pub"];
    await json<VerifyReport>("verify@1", verify);
    rmSync(at("bases/journal.jsonl"));
    expect((await json<VerifyReport>("verify@1", verify, 1)).files?.missing).toEqual(["journal.jsonl"]);
  });
});
