import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  commitmentDigest,
  parseCommitment,
  serializeCommitment,
  signedBytes,
} from "../../../dist/src/commitment/commitment.js";
import { commitmentTime } from "../../../dist/src/commitment/commitment-time.js";
import { disclose, readDisclosure } from "../../../dist/src/commitment/disclosure.js";
import { OPENING_FORMAT, readOpening } from "../../../dist/src/commitment/opening.js";
import { saltedHash } from "../../../dist/src/commitment/salted-root.js";
import { publicKeyOf, signatureOf } from "../../../dist/src/commitment/statement-signature.js";
import { layeredKey } from "../../../dist/src/watermark/key/layered-key.js";
import { roughly } from "../bytes.mjs";
import { must, mustEqual, parsedJson } from "../invariant.mjs";
import { changedTree, textOf, treeOf } from "../json-tree.mjs";
import { scratch } from "../scratch.mjs";

const KEY = layeredKey(Buffer.alloc(32, 7), "acme-7b");
const HEX = (byte) => byte.repeat(32);
const SALTED = { marked: HEX("11"), unmarked: HEX("22"), payload: "00c0ffee" };
const hashOf = (purpose) => saltedHash(purpose, Buffer.from(HEX("09"), "hex"), Buffer.from(SALTED[purpose], "hex"));
const STATEMENT = {
  format: "weightmark/commitment@1",
  tool: { name: "weightmark", version: "0.1.0" },
  key: { id: KEY.id, release: KEY.release, root: Buffer.from(KEY.root).toString("hex"), publicKey: publicKeyOf(KEY) },
  model: { layers: 8, marked: hashOf("marked"), unmarked: hashOf("unmarked"), base: null, sketch: HEX("33") },
  mark: { mode: "release", carriers: ["spread"], payloadBits: 32, payload: hashOf("payload") },
};
const TOKEN = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/commitment/timestamp.json", import.meta.url), "utf8"),
).token;
const COMMITMENT = {
  statement: STATEMENT,
  signature: signatureOf(KEY, signedBytes({ statement: STATEMENT })),
  timestamps: [TOKEN],
};
const DIGEST = commitmentDigest(COMMITMENT);
const OPENING = {
  format: OPENING_FORMAT,
  commitment: DIGEST,
  marked: { salt: HEX("09"), content: SALTED.marked },
  unmarked: { salt: HEX("09"), content: SALTED.unmarked },
  payload: { salt: HEX("09"), hex: SALTED.payload },
};
const DISCLOSURE = disclose({ commitment: COMMITMENT, key: KEY, choice: { layers: [1, 6] }, opening: OPENING });
const KINDS = { commitment: COMMITMENT, opening: OPENING, disclosure: DISCLOSURE };

/**
 * Commitments, their openings and disclosures: whatever was changed, a commitment is that which was signed, an opening opens it,
 * and layers are those of the key that was committed.
 */
export const target = {
  name: "commitment",
  extension: "json",
  make(random) {
    const kind = random.pick(Object.keys(KINDS));
    const tree = treeOf(KINDS[kind]);
    const text = textOf(random.chance(0.85) ? changedTree(random, tree) : tree);
    return roughly(random, text, JSON.stringify(random.pick(Object.values(KINDS))));
  },
  async check(bytes) {
    const path = join(scratch(), "commitment.json");
    writeFileSync(path, bytes);
    const read = {
      commitment: () => checkCommitment(bytes),
      opening: async () => mustEqual(await readOpening(path, COMMITMENT), OPENING, "an opening of other contents"),
      disclosure: async () => checkDisclosure(await readDisclosure(path, COMMITMENT, null)),
    };
    const refusals = [];
    for (const check of Object.values(read)) {
      try {
        await check();
      } catch (error) {
        if (error.name !== "WeightmarkError") throw error;
        refusals.push(error);
      }
    }
    // Of the three kinds of files it may be one.
    must(refusals.length >= Object.keys(read).length - 1, "a file of two kinds");
    const telling = refusals.find(({ code }) => !/_MALFORMED$/.test(code)) ?? refusals[0];
    if (refusals.length === Object.keys(read).length) throw telling;
  },
};

function checkCommitment(bytes) {
  const read = parseCommitment(bytes, "commitment.json");
  must(commitmentDigest(read) === DIGEST, "a statement that was not signed is taken for signed");
  mustEqual(parseCommitment(serializeCommitment(read), "again.json"), read, "a commitment that was written");
  parsedJson(Buffer.from(serializeCommitment(read)).toString("utf8"), "a commitment");
  // The token is of other data: whatever else became of the list, none may tell a time.
  const timed = commitmentTime({ ...read, timestamps: [] }, { roots: null, firstSeen: null, file: "commitment.json" });
  must(timed.by === null, "a commitment without a time stamp has a time");
  if (read.timestamps.length === 0) return;
  let isRefused = false;
  try {
    commitmentTime(read, { roots: [], firstSeen: 0, file: "commitment.json" });
  } catch (error) {
    if (error.name !== "WeightmarkError") throw error;
    isRefused = true;
  }
  must(isRefused, "a time stamp of other data is taken");
}

function checkDisclosure({ key, layers, log2Choices }) {
  must(log2Choices > 0, "layers that were chosen freely are not corrected for");
  for (const layer of layers) {
    mustEqual(
      Buffer.from(key.layerSubkey("spread/coins", layer)),
      Buffer.from(KEY.layerSubkey("spread/coins", layer)),
      "the secret of another layer",
    );
  }
}
