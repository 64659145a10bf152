import { digestOf } from "../../../dist/src/registry/digest.js";
import { readEntry, writeEntry } from "../../../dist/src/scan/cache/entry.js";
import { changedBytes, utf8 } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must } from "../invariant.mjs";

const KEY = "ab".repeat(32);

/** Entries of the cache: one that was not written under this key, or not so, is none. */
export const target = {
  name: "scan-cache",
  extension: "bin",
  make(random) {
    const key = random.chance(0.9) ? KEY : hostileText(random);
    const entry = writeEntry(key, random.chance(0.5) ? utf8(hostileText(random)) : random.bytes(random.small(300)));
    return random.chance(0.5) ? entry : changedBytes(random, entry);
  },
  async check(bytes) {
    const payload = readEntry(KEY, bytes);
    if (payload === null) return;
    must(Buffer.from(bytes).includes(digestOf(payload)), "an entry of another digest");
    must(
      Buffer.from(readEntry(KEY, writeEntry(KEY, payload)) ?? []).equals(payload),
      "an entry that is read otherwise",
    );
  },
};
