import { createHash } from "node:crypto";
import { openSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serializeFingerprint } from "../../../src/fingerprint/file.ts";
import { readArchive } from "../../../src/registry/archive.ts";
import { digestOf } from "../../../src/registry/digest.ts";
import { readSignedFingerprint } from "../../../src/registry/index.ts";
import { signedContent, signModel } from "../../../src/signing/index.ts";
import { keyPair } from "../../support/certificates.ts";
import { randomFingerprint } from "../../support/random-fingerprint.ts";
import { refusal } from "../../support/refusal.ts";
import { signerOf, trustOf, writeModel } from "../../support/signed-model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const key = keyPair();
const requirement = { trust: trustOf(key) };
const BYTES = serializeFingerprint(randomFingerprint({ seed: 1, layers: 1 }));

describe("a signed fingerprint", () => {
  async function published() {
    const path = join(temporaryDirectory(), "base.safetensors");
    writeFileSync(path, BYTES);
    await signModel(path, signerOf(key));
    return path;
  }

  it("is read as it was signed, by a signature of its own or of all that lies beside it", async () => {
    const path = await published();
    expect(serializeFingerprint(await readSignedFingerprint(path, requirement))).toEqual(BYTES);
    const directory = writeModel({ "other.txt": "x" });
    writeFileSync(join(directory, "base.safetensors"), BYTES);
    const { signature } = await signModel(directory, signerOf(key), { hash: "blake3", shardSize: 999 });
    const read = await readSignedFingerprint(join(directory, "base.safetensors"), { ...requirement, signature });
    expect(serializeFingerprint(read)).toEqual(BYTES);
  });

  it("is refused under another name, by another key, changed or without a signature", async () => {
    const path = await published();
    const other = path.replace("base", "other");
    writeFileSync(other, BYTES);
    await refusal(readSignedFingerprint(other, requirement), "SIGNATURE_REQUIRED");
    const signature = `${path}.sig`;
    await refusal(readSignedFingerprint(other, { ...requirement, signature }), "SIGNED_FILES_CHANGED");
    renameSync(signature, `${other}.sig`);
    await refusal(readSignedFingerprint(other, requirement), "SIGNED_FILES_CHANGED");
    renameSync(`${other}.sig`, signature);
    await refusal(readSignedFingerprint(path, { trust: trustOf(keyPair()) }), "SIGNATURE_KEY_MISMATCH");
    writeFileSync(path, serializeFingerprint(randomFingerprint({ seed: 2, layers: 1 })));
    await refusal(readSignedFingerprint(path, requirement), "SIGNED_FILES_CHANGED");
  });
});

describe("what was signed of a file", () => {
  it.each([{}, { shardSize: 7 }, { shardSize: 10_000 }, { hash: "blake3" as const, shardSize: 1 }])(
    "is held against its bytes in pieces of any size: %j",
    async (options) => {
      const path = join(temporaryDirectory(), "file");
      const bytes = createHash("sha512").update("x").digest();
      writeFileSync(path, bytes);
      await signModel(path, signerOf(key), options);
      const content = await signedContent(path, requirement);
      const passes = (data: Uint8Array, step: number) => {
        const check = content.check();
        for (let at = 0; at < data.length; at += step) check.update(data.subarray(at, at + step));
        try {
          check.finish();
          return true;
        } catch (error) {
          expect(error).toMatchObject({ code: "SIGNED_FILES_CHANGED" });
          return false;
        }
      };
      for (const step of [1, 3, 7, 8, 64]) {
        expect(passes(bytes, step)).toBe(true);
        expect(passes(bytes.subarray(0, 63), step)).toBe(false);
        expect(passes(Buffer.concat([bytes, Buffer.of(0)]), step)).toBe(false);
        expect(passes(Buffer.concat([bytes, bytes]), step)).toBe(false);
        for (const at of [0, 7, 63])
          expect(
            passes(
              bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
              step,
            ),
          ).toBe(false);
      }
      expect(passes(new Uint8Array(0), 1)).toBe(false);
    },
  );
});

describe("a signed archive", () => {
  it("that is changed after it was verified gives no whole registry", async () => {
    const entry = (name: string, root: string) =>
      `{"name":"${name}","root":${root},"addedAt":null,"digest":"${digestOf(BYTES)}","data":"${Buffer.from(BYTES).toString("base64")}"}\n`;
    const entries = Math.ceil((6 << 20) / BYTES.length);
    const lines = Array.from({ length: entries }, (_, i) => entry(`n${i}`, "false"));
    const path = join(temporaryDirectory(), "archive.jsonl");
    const head = `{"schema":"weightmark/registry-archive@1","entries":${entries}}\n`;
    writeFileSync(path, head + lines.join(""));
    await signModel(path, signerOf(key));
    const { size } = statSync(path);

    const reading = readArchive(path, requirement);
    expect((await reading.next()).value).toMatchObject({ name: "n0", root: false });
    // The last line, which is not read yet, says something else now and is as sound as it was.
    const last = entry(`n${entries - 1}`, "true ");
    writeSync(openSync(path, "r+"), last, size - last.length);
    expect(readFileSync(path, "utf8").length).toBe(size);
    const roots: boolean[] = [];
    const rest = async () => {
      for await (const { root } of reading) roots.push(root);
    };
    await refusal(rest(), "SIGNED_FILES_CHANGED");
    expect(roots.at(-1)).toBe(true);
  });
});
