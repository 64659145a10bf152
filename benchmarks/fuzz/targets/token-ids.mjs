import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readText, readTokenIds } from "../../../dist/src/quality/token-file.js";
import { batchesOf, cutWindows } from "../../../dist/src/quality/windows.js";
import { roughly } from "../bytes.mjs";
import { must } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";
import { scratch } from "../scratch.mjs";

const VOCABULARY = 100;
const LIMITS = { context: 8, maxTokens: 50 };

/** Files of token ids: what is run are ids of the vocabulary, in windows of the length that was asked for. */
export const target = {
  name: "token-ids",
  extension: "json",
  make(random) {
    const list = () => Array.from({ length: random.small(30) }, () => random.below(VOCABULARY));
    return roughly(random, changedJson(random, random.chance(0.5) ? list() : [list(), list()]));
  },
  async check(bytes) {
    const path = join(scratch(), "ids.json");
    writeFileSync(path, bytes);
    const tokens = await readTokenIds(path);
    const windows = cutWindows(tokens, LIMITS, VOCABULARY);
    for (const window of windows) {
      must(window.length > 0 && window.length <= LIMITS.context, "a window of another length");
      must(
        window.every((id) => Number.isInteger(id) && id >= 0 && id < VOCABULARY),
        "an id of no token",
      );
    }
    must(batchesOf(windows, 16).flat().length === windows.length, "windows that are lost");
    await readText(path, 10);
  },
};
