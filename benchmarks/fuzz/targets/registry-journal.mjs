import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../../dist/src/registry/digest.js";
import { openRegistry } from "../../../dist/src/registry/file-registry.js";
import { readJournal } from "../../../dist/src/registry/journal.js";
import { entryReport, registryReport } from "../../../dist/src/report/build.js";
import { renderText } from "../../../dist/src/report/text/render-text.js";
import { changedBytes, joined, utf8 } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, mustBePlain } from "../invariant.mjs";
import { changedTree, textOf, treeOf } from "../json-tree.mjs";
import { scratch } from "../scratch.mjs";

const SCHEMA = "weightmark/registry-journal@1";
const RUN = { version: "0.0.0", startedAt: null, finishedAt: null };
const digestAt = (i) => digestOf(`model ${i}`);

function entryOf(random, i) {
  const name = random.chance(0.2) ? hostileText(random) : `acme/model-${i}`;
  const about = { version: 2, family: "llama", depth: "sampled", parameters: 1000 };
  const parts = random.chance(0.2) ? { parts: [{ component: "vision", of: digestAt(9) }] } : {};
  return {
    digest: digestAt(i),
    name,
    root: random.chance(0.5),
    addedAt: random.chance(0.5) ? null : "2026-01-02T03:04:05.000Z",
    bytes: 5,
    ...about,
    ...parts,
  };
}

/** Lines that are chained to each other, with changes that mean something and some that do not. */
function journalOf(random) {
  const lines = [];
  let previous = digestOf("");
  for (let generation = 1; generation <= 1 + random.small(5); generation++) {
    const changes = Array.from({ length: 1 + random.small(3) }, () => {
      const i = random.below(4);
      return random.chance(0.8) ? { put: entryOf(random, i) } : { remove: digestAt(i) };
    });
    const record = { schema: SCHEMA, generation, at: null, previous, codesLength: 0, changes };
    const tree = treeOf(record);
    const line = textOf(random.chance(0.3) ? changedTree(random, tree) : tree);
    previous = digestOf(line);
    lines.push(line);
  }
  return { text: lines.map((line) => `${line}\n`).join(""), generation: lines.length, digest: previous };
}

/**
 * A registry's journal, behind one line with its head.json (or nothing): what is accepted can be listed and printed.
 */
export const target = {
  name: "registry-journal",
  extension: "bin",
  make(random) {
    const { text, generation, digest } = journalOf(random);
    const head = treeOf({ generation, digest });
    const first = random.chance(0.3) ? "" : textOf(random.chance(0.2) ? changedTree(random, head) : head);
    const journal = random.chance(0.15) ? changedBytes(random, utf8(text), utf8(journalOf(random).text)) : utf8(text);
    return joined(utf8(`${first.replaceAll("\n", " ")}\n`), journal);
  },
  async check(bytes) {
    const directory = join(scratch(), "registry");
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    const end = bytes.indexOf(10);
    const head = bytes.subarray(0, Math.max(0, end));
    if (head.length > 0) writeFileSync(join(directory, "head.json"), head);
    writeFileSync(join(directory, "journal.jsonl"), bytes.subarray(end + 1));
    const state = await readJournal(directory);
    must(state === null || state.length <= bytes.length, "a journal that is longer than its file");
    const registry = await openRegistry(directory);
    const entries = registry.list();
    for (const { digest } of entries) must(/^[0-9a-f]{64}$/.test(digest), "an entry without a digest");
    const outcome = {
      entries: entries.map((entry) => entryReport(entry, () => null)),
      changes: [],
      output: null,
      problems: [],
    };
    mustBePlain(renderText(registryReport(RUN, registry, "list", outcome), { colour: false }), "a list of a registry");
    await registry.verify();
  },
};
