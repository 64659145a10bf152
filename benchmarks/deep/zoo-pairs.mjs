import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unchanged } from "./pairs.mjs";
import { FAMILIES } from "./zoo-families.mjs";
import { zooDisguises } from "./zoo-moves.mjs";

/** Every pair of strangers of a kind, and every model that descends from another, each under all disguises of its family. */
export function zooPairs(manifest) {
  const folder = dirname(manifest);
  const listed = JSON.parse(readFileSync(manifest, "utf8"));
  const pairOf = (kind, truth, change, suspect, base) => ({
    truth,
    change: [kind, change].filter(Boolean).join(", "),
    suspect: join(folder, suspect),
    base: join(folder, base),
    edit: unchanged,
    disguises: zooDisguises(FAMILIES[kind.replace(/-\d+$/, "")]),
  });
  const alone = listed.filter(({ base }) => base === undefined);
  const strangers = alone.flatMap(({ kind, path }, i) =>
    alone.slice(0, i).flatMap((other) => (other.kind === kind ? [pairOf(kind, "stranger", "", path, other.path)] : [])),
  );
  const descendants = listed
    .filter(({ base }) => base !== undefined)
    .map(({ kind, path, base, truth, change }) => pairOf(kind, truth, change, path, base));
  return [...strangers, ...descendants];
}
