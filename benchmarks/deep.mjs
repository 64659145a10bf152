/**
 * Suspects whose labels were moved on purpose, through the whole decision at depth deep: every model under every disguise.
 *
 *   node benchmarks/deep.mjs [--strangers DIRECTORY] [--most 112] [--siblings MANIFEST] [--every 8] [--derivatives MANIFEST]
 *                            [--bases MODEL,...] [--stranger MODEL] [--zoo MANIFEST] [--adapters MANIFEST]
 *                            [--fingerprints] [--wide] [--cut N] [--json FILE]
 *
 * --fingerprints: all that is known of either model, and of bases of adapters, is the fingerprint with a deep part.
 * --cut: in place of all disguises, streams without every Nth dimension (of models of Llama's names).
 * --wide: by deep tests alone, as streams over 768 wide are compared, whatever their width.
 * --strangers: a directory of independent models, every pair once, the disguises in turn; of fingerprints every pair as it is
 * and under the two that renumber neurons, twice each. --siblings and --derivatives: manifests of benchmarks/lab; of the siblings one pair of every N.
 * Derivatives are all those of Llama's names.
 * --bases: of each base copies with noise, in 4 bits, pruned by half, and averaged half and half with --stranger.
 * --zoo: the manifest of benchmarks/lab's zoo, models of other families and widths: all strangers of a kind, all descendants.
 * --adapters: the manifest of benchmarks/lab's adapters, each alone against bases: a table of its own.
 *
 * Prints a Markdown table: verdicts by what the pair is and how the suspect was disguised. A stranger or a sibling that is
 * called derived, and a stranger that is called shared-init, is wrong: exit code 1. Floors are those of deep/floors.json, or
 * nothing is measured.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { adapterTable, judgeAdapters } from "./deep/adapters.mjs";
import { requireFloors } from "./deep/floors.mjs";
import { judgeAll } from "./deep/judge.mjs";
import { derivativePairs, madePairs, siblingPairs, strangerPairs } from "./deep/pairs.mjs";
import { tableOf } from "./deep/table.mjs";
import { judgeWide } from "./deep/wide.mjs";
import { FAMILIES } from "./deep/zoo-families.mjs";
import { cutStream } from "./deep/zoo-moves.mjs";
import { zooPairs } from "./deep/zoo-pairs.mjs";

const { values } = parseArgs({
  options: {
    strangers: { type: "string" },
    most: { type: "string", default: "112" },
    siblings: { type: "string" },
    every: { type: "string", default: "8" },
    derivatives: { type: "string" },
    bases: { type: "string" },
    stranger: { type: "string" },
    fingerprints: { type: "boolean", default: false },
    wide: { type: "boolean", default: false },
    cut: { type: "string" },
    zoo: { type: "string" },
    adapters: { type: "string" },
    json: { type: "string" },
  },
});
requireFloors();
const pairs = [
  ...(values.strangers ? strangerPairs(values.strangers, Number(values.most), values.fingerprints) : []),
  ...(values.siblings ? siblingPairs(values.siblings, Number(values.every)) : []),
  ...(values.derivatives ? derivativePairs(values.derivatives) : []),
  ...(values.zoo ? zooPairs(values.zoo) : []),
  ...(values.bases ? madePairs(values.bases.split(","), values.stranger) : []),
];
const cut = values.cut && [
  [`without every ${values.cut}th dimension`, () => cutStream(FAMILIES.llama, Number(values.cut))],
];
const asked = cut ? pairs.map((pair) => ({ ...pair, disguises: cut })) : pairs;
const rows = values.wide ? await judgeWide(asked) : await judgeAll(asked, values.fingerprints);
if (pairs.length > 0) process.stdout.write(tableOf(rows));
const adapters = values.adapters ? await judgeAdapters(values.adapters, values.fingerprints) : [];
if (adapters.length > 0) process.stdout.write(adapterTable(adapters));
if (values.json) writeFileSync(values.json, JSON.stringify([...rows, ...adapters]));
process.exitCode = [...rows, ...adapters].some(({ isWrong }) => isWrong) ? 1 : 0;
