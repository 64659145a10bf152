import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { signModel, verifyModel } from "../../../src/signing/index.ts";
import { keyPair } from "../../support/certificates.ts";
import { refusal } from "../../support/refusal.ts";
import { FILES, readSignature, signedModel, signerOf, writeModel } from "../../support/signed-model.ts";

describe("files that were signed", () => {
  it.each([
    {},
    { hash: "blake2b" },
    { hash: "blake3" },
    { shardSize: 5 },
    { shardSize: 5, hash: "blake3" },
    { shardSize: 1 },
  ] as const)("hold as they are, and are named when they change: %j", async (options) => {
    const { directory, trust } = await signedModel(options);
    const whole = await verifyModel(directory, trust);
    expect(whole).toMatchObject({ holds: true, code: null, reason: null });
    const uncovered = "shardSize" in options ? ["sub/empty"] : [];
    expect(whole.files).toEqual({
      verified: 4 - uncovered.length,
      bytes: 25,
      changed: [],
      missing: [],
      unsigned: [],
      ignored: [],
      uncovered,
    });

    const at = (path: string) => join(directory, path);
    writeFileSync(at("model.safetensors"), "weights of a mode!");
    truncateSync(at("config.json"), 1);
    rmSync(at("sub/tokens.txt"));
    writeFileSync(at("added.bin"), "x");
    writeFileSync(at("sub/.git"), "x");
    const result = await verifyModel(directory, trust);
    expect(result).toMatchObject({ holds: false, code: "SIGNED_FILES_CHANGED" });
    expect(result.files?.changed.map(({ path }) => path)).toEqual(["config.json", "model.safetensors"]);
    expect(result.files?.missing).toEqual(["sub/tokens.txt"]);
    expect(result.files?.unsigned).toEqual(["added.bin", "sub/.git"]);
    if (options.hash === undefined && "shardSize" in options && options.shardSize === 5) {
      expect(result.files?.changed.map(({ why }) => why)).toEqual([
        "it has 1 bytes, and 3 were signed",
        "its content is another at bytes 15-18",
      ]);
    }
  });

  it("may have others beside them only where that is said", async () => {
    const { directory, trust } = await signedModel();
    writeFileSync(join(directory, "added.bin"), "x");
    expect((await verifyModel(directory, trust)).holds).toBe(false);
    expect((await verifyModel(directory, trust, { ignore: ["./added.bin"] })).holds).toBe(true);
    const lenient = await verifyModel(directory, trust, { ignoreUnsigned: true });
    expect(lenient).toMatchObject({ holds: true, files: { unsigned: ["added.bin"] } });
    rmSync(join(directory, "config.json"));
    expect((await verifyModel(directory, trust, { ignoreUnsigned: true })).holds).toBe(false);
  });

  it("do not hold where they were swapped, renamed or moved", async () => {
    const { directory, trust } = await signedModel();
    renameSync(join(directory, "config.json"), join(directory, "Config.json"));
    const result = await verifyModel(directory, trust);
    expect(result.files).toMatchObject({ missing: ["config.json"], unsigned: ["Config.json"], verified: 3 });
    renameSync(join(directory, "Config.json"), join(directory, "sub/config.json"));
    expect((await verifyModel(directory, trust)).files?.unsigned).toEqual(["sub/config.json"]);
  });

  it("hold under another name of their directory, and of the signature", async () => {
    const { directory, signature, trust } = await signedModel();
    const moved = join(dirname(directory), "moved");
    renameSync(directory, moved);
    renameSync(join(moved, "model.sig"), `${moved}.signature`);
    expect(signature).toBe(join(directory, "model.sig"));
    const result = await verifyModel(moved, trust, { signature: `${moved}.signature` });
    expect(result).toMatchObject({ holds: true, signed: { name: "model" } });
  });

  it("are sorted by code points, with one digest over all", async () => {
    const files = { "a.b": "1", "a/b": "2", "\uffee": "3", "\u{1f600}": "4", "a-b": "5" };
    const { signature } = await signedModel({}, files);
    const { statement } = readSignature(signature);
    const names = statement.predicate.resources.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["a-b", "a.b", "a/b", "\uffee", "\u{1f600}"]);
    expect(statement.subject).toEqual([{ name: "model", digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } }]);
    expect(statement.predicate.serialization).toEqual({
      method: "files",
      hash_type: "sha256",
      allow_symlinks: false,
      ignore_paths: [".git", ".gitattributes", ".github", ".gitignore", "model.sig"],
    });
  });

  it("are one file as well", async () => {
    const directory = writeModel();
    const file = join(directory, "model.safetensors");
    const key = keyPair();
    const { signature, name } = await signModel(file, signerOf(key));
    expect({ signature, name }).toEqual({ signature: `${file}.sig`, name: "model.safetensors" });
    const { trustOf } = await import("../../support/signed-model.ts");
    expect((await verifyModel(file, trustOf(key))).files).toMatchObject({ verified: 1, unsigned: [] });
    appendFileSync(file, "x");
    expect((await verifyModel(file, trustOf(key))).holds).toBe(false);
  });
});

describe("hashing", () => {
  it("tells how far it is, and can be told to stop", async () => {
    const directory = writeModel({ ...FILES, large: "x".repeat(3 << 20) });
    const key = signerOf(keyPair());
    const seen: number[] = [];
    const total = 25 + (3 << 20);
    const onProgress = (done: number, of: number) => {
      expect(of).toBe(total);
      seen.push(done);
    };
    const { bytes } = await signModel(directory, key, { onProgress });
    expect({ bytes, last: seen.at(-1) }).toEqual({ bytes: total, last: total });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    const reason = new Error("enough");
    const options = { signal: AbortSignal.abort(reason), signature: `${directory}.sig` };
    await expect(signModel(directory, key, options)).rejects.toBe(reason);
    expect(readdirSync(dirname(directory))).toEqual(["model"]);
  });

  it("refuses a file that grows meanwhile", async () => {
    const directory = writeModel({ first: "x".repeat(1 << 20), second: "y", third: "z", fourth: "f", last: "l" });
    const onProgress = () => appendFileSync(join(directory, "second"), "more");
    const error = await refusal(signModel(directory, signerOf(keyPair()), { onProgress }), "CHANGED_DURING_READ");
    expect(error.file).toContain(directory);
    expect(readdirSync(directory)).not.toContain("model.sig");
  });
});

describe("what is left out", () => {
  it("is what version control needs, at the root alone, the signature, and what is named", async () => {
    const files = {
      ...FILES,
      ".git/config": "g",
      ".gitignore": "g",
      "sub/.gitignore": "g",
      "cache/x": "c",
      cache2: "c",
    };
    const { directory, trust, signature } = await signedModel({ ignore: ["./cache/"] }, files);
    const { statement } = readSignature(signature);
    const names = statement.predicate.resources.map(({ name }: { name: string }) => name);
    expect(names).toEqual([
      "cache2",
      "config.json",
      "model.safetensors",
      "sub/.gitignore",
      "sub/empty",
      "sub/tokens.txt",
    ]);
    writeFileSync(join(directory, "cache/x"), "changed");
    writeFileSync(join(directory, ".git/config"), "changed");
    const result = await verifyModel(directory, trust);
    expect(result).toMatchObject({ holds: true, files: { ignored: [".git", ".gitignore", "cache"] } });
  });

  it("is never what was signed, whoever wants it left out", async () => {
    const { directory, trust } = await signedModel();
    writeFileSync(join(directory, "config.json"), "changed");
    writeFileSync(join(directory, "sub/tokens.txt"), "changed");
    writeFileSync(join(directory, "sub/new.txt"), "new");
    const { files } = await verifyModel(directory, trust, { ignore: ["config.json", "sub"] });
    expect(files?.changed.map(({ path }) => path)).toEqual(["config.json", "sub/tokens.txt"]);
    expect(files).toMatchObject({ unsigned: [], ignored: ["sub/new.txt"], verified: 2 });
  });

  it("cannot be everything, nor patterns, nor anything outside", async () => {
    const key = signerOf(keyPair());
    for (const path of ["", ".", "./", "/", "..", "../x", "a/../b", "*.bin", "a[1]", "a?", "/etc"]) {
      await refusal(signModel(writeModel(), key, { ignore: [path] }), "USAGE");
    }
    await refusal(signModel(writeModel(), key, { ignore: Object.keys(FILES) }), "NOTHING_TO_SIGN");
    await refusal(signModel(writeModel({}), key), "NOTHING_TO_SIGN");
    await refusal(signModel(writeModel({ empty: "" }), key, { shardSize: 10 }), "NOTHING_TO_SIGN");
    for (const shardSize of [0, -1, 1.5, Number.NaN, 2 ** 60]) {
      await refusal(signModel(writeModel(), key, { shardSize }), "USAGE");
    }
  });
});

describe("links", () => {
  it("are refused, and found when they take the place of files", async () => {
    const key = keyPair();
    const directory = writeModel();
    symlinkSync("config.json", join(directory, "link.json"));
    const error = await refusal(signModel(directory, signerOf(key)), "SIGNED_LINK");
    expect(error.file).toBe(join(directory, "link.json"));
    expect(readdirSync(directory)).not.toContain("model.sig");

    const signed = await signedModel();
    rmSync(join(signed.directory, "config.json"));
    symlinkSync("sub/tokens.txt", join(signed.directory, "config.json"));
    symlinkSync("sub", join(signed.directory, "folder"));
    const result = await verifyModel(signed.directory, signed.trust);
    expect(result.files?.changed).toEqual([{ path: "config.json", why: "a symbolic link stands there now" }]);
    expect(result.files?.unsigned).toEqual(["folder"]);
  });

  it("to files are followed where that is said, and never out of the model or into directories", async () => {
    const key = keyPair();
    const directory = writeModel();
    symlinkSync("config.json", join(directory, "link.json"));
    await signModel(directory, signerOf(key), { allowSymlinks: true });
    const { trustOf } = await import("../../support/signed-model.ts");
    const trust = trustOf(key);
    expect((await verifyModel(directory, trust)).files?.verified).toBe(5);
    expect((await verifyModel(directory, trust, { allowSymlinks: false })).files?.changed).toHaveLength(1);

    symlinkSync("sub", join(directory, "folder"));
    const sub = await refusal(
      signModel(directory, signerOf(key), { allowSymlinks: true, replace: true }),
      "SIGNED_LINK",
    );
    expect(sub.file).toBe(join(directory, "folder"));
    expect((await verifyModel(directory, trust)).files?.unsigned).toEqual(["folder"]);
    rmSync(join(directory, "folder"));
    const outside = writeModel({ secret: "s" });
    symlinkSync(join(outside, "secret"), join(directory, "out"));
    await refusal(signModel(directory, signerOf(key), { allowSymlinks: true, replace: true }), "PATH_ESCAPES_ROOT");
    await refusal(verifyModel(directory, trust), "PATH_ESCAPES_ROOT");
    await signModel(directory, signerOf(key), { allowSymlinks: true, replace: true, allowLinks: [outside] });
    expect((await verifyModel(directory, trust, { allowLinks: [outside] })).files?.verified).toBe(6);
  });

  it("as a download puts them in the place of files may be followed by the one who verifies", async () => {
    const { directory, trust } = await signedModel();
    const blob = join(directory, "blob");
    renameSync(join(directory, "config.json"), blob);
    symlinkSync("blob", join(directory, "config.json"));
    expect((await verifyModel(directory, trust, { ignore: ["blob"] })).holds).toBe(false);
    expect((await verifyModel(directory, trust, { ignore: ["blob"], allowSymlinks: true })).holds).toBe(true);
  });
});

describe("the signature's place", () => {
  it("is never a file of the model, and never taken without leave", async () => {
    const { directory, signature, key } = await signedModel();
    const before = readFileSync(signature);
    await refusal(signModel(directory, signerOf(key)), "OUTPUT_EXISTS");
    expect(readFileSync(signature)).toEqual(before);
    await signModel(directory, signerOf(key), { replace: true });
    expect(readFileSync(signature)).not.toEqual(before);
    const weights = join(directory, "model.safetensors");
    await refusal(signModel(directory, signerOf(key), { replace: true, signature: weights }), "OUTPUT_IS_INPUT");
    await refusal(signModel(weights, signerOf(key), { replace: true, signature: weights }), "OUTPUT_IS_INPUT");
    expect(readFileSync(weights, "utf8")).toBe(FILES["model.safetensors"]);
    const nowhere = join(directory, "no/such/place.sig");
    await refusal(signModel(directory, signerOf(key), { signature: nowhere }), "WRITE_FAILED");
    expect(readdirSync(directory).sort()).toEqual(["config.json", "model.safetensors", "model.sig", "sub"]);
  });
});

describe.skipIf(process.platform === "win32")("names and files of every kind", () => {
  it("that are no UTF-8 are refused, and FIFOs are neither opened nor signed", async () => {
    const key = keyPair();
    const directory = writeModel();
    mkdirSync(join(directory, "x"));
    execFileSync("mkfifo", [join(directory, "x/fifo")]);
    await refusal(signModel(directory, signerOf(key)), "NOT_A_REGULAR_FILE");
    rmSync(join(directory, "x/fifo"));
    const signed = await signedModel();
    execFileSync("mkfifo", [join(signed.directory, "fifo")]);
    expect((await verifyModel(signed.directory, signed.trust)).files?.unsigned).toEqual(["fifo"]);
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/x/`), Buffer.of(0xff, 0xfe)]), "x");
    await refusal(signModel(directory, signerOf(key)), "FILE_NAME_UNSIGNABLE");
  });

  it("that look like others are only themselves", async () => {
    const files = { ["__proto__"]: "1", "constructor/toString": "2", "a:0:3": "3", "a\nb": "4", "c\u001b[31m": "5" };
    for (const options of [{}, { shardSize: 1 }]) {
      const { directory, trust } = await signedModel(options, files);
      expect((await verifyModel(directory, trust)).files).toMatchObject({ verified: 5 });
      writeFileSync(join(directory, "__proto__"), "!");
      expect((await verifyModel(directory, trust)).files?.changed.map(({ path }) => path)).toEqual(["__proto__"]);
    }
  });

  it("that make more pieces than a signature holds are refused before any is hashed", async () => {
    const directory = writeModel();
    truncateSync(join(directory, "model.safetensors"), 500 * 2 ** 30);
    await refusal(signModel(directory, signerOf(keyPair()), { shardSize: 1 << 20 }), "SIGNATURE_LIMIT");
  });
});
