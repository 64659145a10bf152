import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { serializeFingerprint } from "../../../dist/src/fingerprint/file.js";
import { readArchive, writeArchive } from "../../../dist/src/registry/archive.js";
import { digestOf } from "../../../dist/src/registry/digest.js";
import { roughly } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, mustEqual } from "../invariant.mjs";
import { changedTree, textOf, treeOf } from "../json-tree.mjs";
import { changedManifestFile } from "../manifest-file.mjs";
import { tinyFingerprints } from "../memory-model.mjs";
import { scratch } from "../scratch.mjs";

const SCHEMA = "weightmark/registry-archive@1";

/** An entry with a fingerprint that is sound or not, and a check, or none as in old archives. */
async function lineOf(random, i) {
  const sound = serializeFingerprint((await tinyFingerprints())[i % 2]);
  const bytes = random.chance(0.1) ? await changedManifestFile(random, sound) : sound;
  const parts = random.chance(0.2) ? { parts: [{ component: "vision", of: digestOf("vision") }] } : {};
  const about = {
    name: random.chance(0.2) ? hostileText(random) : `model-${i}`,
    root: random.chance(0.5),
    ...parts,
    addedAt: null,
    digest: digestOf(bytes),
  };
  const entry = { ...about, data: Buffer.from(bytes).toString("base64") };
  return random.chance(0.5) ? entry : { ...entry, check: digestOf(JSON.stringify(about)).slice(0, 32) };
}

/** Archives of registries: what is accepted is exported as the same archive. */
export const target = {
  name: "registry-archive",
  extension: "bin",
  async make(random) {
    const lines = [{ schema: SCHEMA, entries: 0 }];
    for (let i = random.small(3); i > 0; i--) lines.push(await lineOf(random, i));
    lines[0].entries = lines.length - 1;
    const text = lines.map((line) => {
      const tree = treeOf(line);
      return `${textOf(random.chance(0.3) ? changedTree(random, tree) : tree)}\n`;
    });
    return roughly(random, text.join(""));
  },
  async check(bytes) {
    const path = join(scratch(), "archive.jsonl");
    writeFileSync(path, bytes);
    const read = () => all(readArchive(path));
    const items = await read();
    for (const { bytes: file, digest } of items) must(digestOf(file) === digest, "a fingerprint of another digest");
    const byDigest = new Map(items.map((item) => [item.digest, item.bytes]));
    writeFileSync(path, Buffer.concat(await all(writeArchive(items, async (digest) => byDigest.get(digest)))));
    const about = ({ name, root, parts, addedAt, digest }) => ({ name, root, parts, addedAt, digest });
    mustEqual((await read()).map(about), items.map(about), "entries that were exported");
  },
};

async function all(values) {
  const found = [];
  for await (const value of values) found.push(value);
  return found;
}
