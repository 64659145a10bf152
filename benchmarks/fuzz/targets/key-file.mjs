import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKeyFile, readKeyFile } from "../../../dist/src/watermark/key/key-file.js";
import { parseKeyRecord, scryptBytes, serializeKeyRecord } from "../../../dist/src/watermark/key/key-record.js";
import { modelKey } from "../../../dist/src/watermark/key/model-key.js";
import { roughly } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, mustBePlain, mustEqual } from "../invariant.mjs";
import { changedTree, textOf, treeOf } from "../json-tree.mjs";
import { scratch } from "../scratch.mjs";

const MASTER = "5a".repeat(32);
const MAX_SCRYPT_BYTES = 256 << 20;

function recordOf(random) {
  const release = random.chance(0.2) ? hostileText(random) : "2026-01-02";
  const { id } = modelKey(Buffer.from(MASTER, "hex"), release);
  const header = {
    format: random.pick(["weightmark/key-file@1", "weightmark/key-file@2"]),
    id,
    release,
    created: "2026-01-02T03:04:05.000Z",
    replaces: random.chance(0.5) ? null : "0123456789abcdef",
  };
  if (random.chance(0.5)) return { ...header, unsealed: MASTER };
  const [n, r, p] = [
    random.pick([2 ** 14, 2 ** 17, 2 ** 18, 2 ** 31, 2 ** 53, 16_385, 1]),
    random.pick([1, 8, 64, 2 ** 30]),
    random.pick([1, 4, 5]),
  ];
  const kdf = { name: "scrypt", n, r, p, salt: "0a".repeat(16) };
  return {
    ...header,
    kdf,
    sealed: { cipher: "aes-256-gcm", iv: "0b".repeat(12), ciphertext: MASTER, tag: "0c".repeat(16) },
  };
}

/**
 * Key files: what is accepted is written again as it was read, asks for no more memory than is allowed, and says nothing of the
 * secret when it is refused.
 */
export const target = {
  name: "key-file",
  extension: "json",
  make(random) {
    const text = Buffer.from(serializeKeyRecord(recordOf(random))).toString("utf8");
    const { check, ...record } = JSON.parse(text);
    const tree = treeOf(random.chance(0.3) ? { ...record, check } : record);
    return roughly(random, random.chance(0.4) ? text : textOf(changedTree(random, tree)));
  },
  async check(bytes) {
    const path = join(scratch(), "release.key");
    rmSync(path, { force: true });
    writeFileSync(path, bytes, { mode: 0o600 });
    try {
      const record = parseKeyRecord(bytes, path);
      mustEqual(parseKeyRecord(serializeKeyRecord(record), path), record, "a key that was written");
      if ("kdf" in record)
        must(scryptBytes(record.kdf.n, record.kdf.r) <= MAX_SCRYPT_BYTES, "a key that asks for too much");
      const { release } = await describeKeyFile(path);
      mustBePlain(release, "a label");
      await readKeyFile(path, null);
    } catch (error) {
      must(
        !`${error.message} ${error.detail} ${error.cause}`.includes(MASTER.slice(0, 16)),
        "an error tells the secret",
      );
      throw error;
    }
  },
};
