import { openScanList } from "../../../dist/src/scan/scan-list.js";
import { changedBytes, utf8 } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { must, mustEqual } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";

function lineOf(random) {
  switch (random.below(6)) {
    case 0:
      return changedJson(random, { location: "hf:acme/base", extra: [1] });
    case 1:
      return JSON.stringify({ location: hostileText(random) });
    case 2:
      return random.pick([
        "",
        "# a remark",
        " \t ",
        "{",
        "[]",
        '"a"',
        "{}",
        "null",
        '{"location":null}',
        "\ufeffa",
        "\u00a0",
      ]);
    case 3:
      return hostileText(random);
    default:
      return random.pick(["hf:acme/base@main", "/models/a b", "  ./a  ", "https://models.example/a.safetensors"]);
  }
}

/** Lists of what to scan: every line that is accepted comes back, as often as it is asked for, and nothing else. */
export const target = {
  name: "scan-list",
  extension: "bin",
  make(random) {
    const ends = random.pick(["\n", "\r\n", "\r", "\u2028"]);
    const text = Array.from({ length: random.small(10) }, () => lineOf(random)).join(ends);
    const bytes = utf8(random.chance(0.02) ? text + "a".repeat(random.pick([65_536, 65_537, 200_000])) : text);
    return random.chance(0.2) ? changedBytes(random, bytes) : bytes;
  },
  async check(bytes) {
    const list = await openScanList(inPieces(bytes), "list.txt");
    try {
      const first = await all(list.locations());
      must(first.length === list.count, "another number of locations than was counted");
      for (const location of first)
        must(typeof location === "string" && location.trim() !== "", "a location that names nothing");
      mustEqual(await all(list.locations()), first, "locations that are asked for again");
      const again = await openScanList(
        inPieces(utf8(first.map((location) => JSON.stringify({ location })).join("\n"))),
        "again",
      );
      try {
        mustEqual(await all(again.locations()), first, "locations that were written as JSON");
        must(again.digest === list.digest, "another digest of the same locations");
      } finally {
        await again.close();
      }
    } finally {
      await list.close();
    }
  },
};

async function* inPieces(bytes) {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

async function all(values) {
  const found = [];
  for await (const value of values) found.push(value);
  return found;
}
