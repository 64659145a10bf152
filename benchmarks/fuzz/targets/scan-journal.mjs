import { toHex } from "../../../dist/src/fingerprint/hex.js";
import { blake3 } from "../../../dist/src/kernels/blake3.js";
import { contentOf } from "../../../dist/src/scan/journal/line.js";
import { readJournal, SCHEMA } from "../../../dist/src/scan/journal/read-journal.js";
import { scanItemOf } from "../../../dist/src/scan/stored-item.js";
import { changedBytes, utf8 } from "../bytes.mjs";
import { must } from "../invariant.mjs";
import { changedTree, textOf, treeOf } from "../json-tree.mjs";
import { mustReportSafely } from "../scan-reports.mjs";
import { PARAMETERS, someItem } from "../scan-values.mjs";

/** A line as the journal writes it, of a value that no JavaScript value may be. */
function lineOf(previous, kind, value) {
  const body = `${JSON.stringify(kind)}:${value}`;
  const check = toHex(blake3(utf8(`${previous}\n${body}`)).subarray(0, 16));
  return { text: `{"check":"${check}",${body}}\n`, check };
}

function journalOf(random) {
  const changed = (value, share) => {
    const tree = treeOf(value);
    return textOf(random.chance(share) ? changedTree(random, tree) : tree).replace(/[\n\r]/g, " ");
  };
  let { text, check } = lineOf("", "scan", changed({ schema: SCHEMA, parameters: PARAMETERS }, 0.1));
  for (let left = random.small(5); left > 0; left--) {
    const kind = random.chance(0.97) ? "item" : random.pick(["end", "scan", "__proto__", "other"]);
    const line = lineOf(check, kind, changed(someItem(random), 0.3));
    ({ check } = line);
    text += line.text;
  }
  if (random.chance(0.3)) text += lineOf(check, "end", '{"items":1}').text;
  return utf8(text);
}

/** Journals of scans: whatever items are accepted, every report of them is sound and safe to print. */
export const target = {
  name: "scan-journal",
  extension: "bin",
  make(random) {
    const bytes = journalOf(random);
    return random.chance(0.2) ? changedBytes(random, bytes, journalOf(random)) : bytes;
  },
  async check(bytes) {
    const content = await readJournal(handleOf(bytes), "journal.jsonl");
    if (content === null) return;
    must(content.end <= bytes.length, "a journal that ends behind its file");
    const items = content.index.ids().map((id) => {
      const { offset, length } = content.index.get(id);
      const line = Buffer.from(bytes.subarray(offset, offset + length - 1)).toString("utf8");
      const item = scanItemOf(contentOf(line).value);
      must(item?.id === id, "an item of another name");
      return item;
    });
    await mustReportSafely(items, content.parameters);
  },
};

function handleOf(bytes) {
  return {
    async read(buffer, offset, length, position) {
      const piece = bytes.subarray(position, position + length);
      buffer.set(piece, offset);
      return { bytesRead: piece.length };
    },
  };
}
