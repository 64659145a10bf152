import { kolmogorovP } from "../../dist/src/numerics/kolmogorov.js";
import { summariseZ } from "../calibration/null-summary.mjs";

/** Verdicts by truth, change and disguise; a derived one by what it rests on. */
export function tableOf(rows) {
  const groups = new Map();
  for (const row of rows) {
    const key = [row.truth, row.change, row.disguise].join(" | ");
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  const count = (list, verdict, basis) =>
    list.filter((row) => verdict.includes(row.verdict) && (basis === undefined || row.basis === basis)).length;
  const claims = ["derived", "identical", "recast"];
  const lines = [...groups].map(([key, list]) => {
    const strengths = list.flatMap(({ strength }) => (strength === null ? [] : [strength]));
    const largest = (of) => (strengths.length === 0 ? "-" : Math.max(...strengths.map((one) => one[of])).toFixed(3));
    const cells = [
      list.length,
      count(list, claims, "plain"),
      count(list, claims, "exact"),
      count(list, claims, "calibrated"),
      count(list, ["shared-init"]),
      count(list, ["no-evidence", "not-testable"]),
      largest("gate"),
      largest("through"),
      largest("tokens"),
    ];
    return `| ${key} | ${cells.join(" | ")} |`;
  });
  const head =
    "| pair | change | disguise | pairs | derived, plain | exact | calibrated | shared-init | silent | largest gate | through | tokens |";
  const wrong = rows.filter(({ isWrong }) => isWrong).length;
  const verdicts = `${head}\n|${" --- |".repeat(12)}\n${lines.join("\n")}\n`;
  return `${verdicts}\n${nullsOf(rows)}\n${rows.length} pairs, ${wrong} wrong\n`;
}

/** The exact tests on strangers: z against a standard normal, and how small p became. */
function nullsOf(rows) {
  const tests = new Map();
  for (const { test, z, log10P } of rows.flatMap((row) => (row.truth === "stranger" ? row.nulls : []))) {
    if (!tests.has(test)) tests.set(test, { z: [], smallest: 0 });
    const found = tests.get(test);
    found.z.push(z);
    found.smallest = Math.min(found.smallest, log10P);
  }
  if (tests.size === 0) return "";
  const lines = [...tests].map(([test, { z, smallest }]) => {
    const summary = summariseZ(z);
    const cells = summary === null ? ["-", "-", "-", "-"] : momentsOf(summary);
    return `| ${[test, z.length, ...cells, smallest.toFixed(2)].join(" | ")} |`;
  });
  const head = "| test, of strangers | draws | mean z | SD | largest | KS p | smallest log10 p |";
  return `${head}\n|${" --- |".repeat(7)}\n${lines.join("\n")}\n`;
}

function momentsOf({ pairs, mean, sd, largest, ks }) {
  return [mean, sd, largest, kolmogorovP(ks, pairs).toFixed(2)];
}
