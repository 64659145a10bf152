/**
 * Markdown of what `calibration.mjs` printed: node benchmarks/calibration/tables.mjs REPORT.json ...
 */
import { readFileSync } from "node:fs";

const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const groups = reports.flatMap((report) => report.groups);
const sum = (of) => groups.reduce((n, group) => n + of(group), 0);

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |\n`;
  return `${line(heads)}${line(heads.map(() => "---"))}${rows.map(line).join("")}\n`;
}

const verdicts = (counts) =>
  Object.entries(counts)
    .map(([verdict, count]) => `${verdict} ${count}`)
    .join(", ");

/** By change, and once where all changes come out alike. */
function relatedCell(related = []) {
  const found = related.map(({ change, verdicts: counts }) => [change, verdicts(counts)]);
  if (found.length === 0) return "";
  if (found.every(([, text]) => text === found[0][1])) return found[0][1] + (found.length > 1 ? ", each" : "");
  return found.map(([change, text]) => `${change}: ${text}`).join("; ");
}

function decisions() {
  return table(
    [
      "group",
      "models",
      "pairs",
      "false words",
      "verdicts",
      "stacks tested",
      "smallest corrected log10 p",
      "related pairs",
    ],
    groups.map(({ group, models, decided, related }) => [
      group,
      models,
      decided.pairs,
      decided.falseWords,
      verdicts(decided.verdicts),
      decided.testedStacks,
      decided.smallestLog10P,
      relatedCell(related),
    ]),
  );
}

const at = (z, p) => z.quantiles.find((quantile) => quantile.p === p).found;

function zRow(group, test, z) {
  return [
    group,
    test,
    z.pairs,
    z.mean.toFixed(3),
    z.sd.toFixed(3),
    at(z, 0.01),
    at(z, 0.99),
    z.largest,
    z.ks.toFixed(3),
  ];
}

const Z_HEADS = ["group", "test", "tests", "mean", "sd", "1 %", "99 %", "largest abs z", "KS distance"];

/** With fewer z there is nothing to say of how they are spread. */
const FEWEST = 100;

/** Every layout's own statistics, of the pairing that the decision rests on. */
function inDecisions() {
  const rows = groups.flatMap(({ group, decided }) =>
    Object.entries(decided.z).flatMap(([test, z]) => (z === null || z.pairs < FEWEST ? [] : [zRow(group, test, z)])),
  );
  return table(Z_HEADS, rows);
}

/** Matrices of channels: p of all of them together. */
function agreements() {
  const rows = groups.flatMap(({ group, decided: { agreement } }) =>
    agreement ? [[group, agreement.tests, agreement.p05, agreement.p01, agreement.p001, agreement.smallest]] : [],
  );
  return table(["group", "tests", "p <= .05", "p <= .01", "p <= .001", "smallest log10 p"], rows);
}

function single() {
  const rows = groups.flatMap(({ group, tests }) =>
    ["residual", "neurons", "embeddings"].flatMap((axis) =>
      tests?.[axis] ? [zRow(group, `T1 ${axis}`, tests[axis])] : [],
    ),
  );
  return table(Z_HEADS, rows);
}

/** The sets that have single tests: what was trained, and all that was drawn. */
function sets() {
  const trained = groups.filter(({ source, tests }) => source === "trained" && tests);
  const drawn = reports.flatMap((report) => (report.drawn ? [["drawn", report.drawn]] : []));
  return [...trained.map(({ group, tests }) => [group, tests]), ...drawn];
}

function quantiles() {
  const columns = sets().flatMap(([name, tests]) =>
    ["residual", "neurons", "embeddings"].map((axis) => [`${name} ${axis}`, tests[axis]]),
  );
  if (columns.length === 0) return "";
  const rows = columns[0][1].quantiles.map(({ p, normal }) => [
    p,
    normal.toFixed(2),
    ...columns.map(([, z]) => at(z, p).toFixed(2)),
  ]);
  return table(["probability", "N(0, 1)", ...columns.map(([name]) => name)], rows);
}

function fixedPoints() {
  const found = sets();
  if (found.length === 0) return "";
  const highest = Math.max(...found.map(([, tests]) => tests.fixedPoints.rows.length));
  const rows = Array.from({ length: highest }, (_, k) => {
    const cells = found.map(([, tests]) => tests.fixedPoints.rows[k]);
    const bound = cells.find((cell) => cell !== undefined).bound;
    return [k, ...cells.flatMap((cell) => (cell === undefined ? [0, 0] : [cell.pairs, cell.atLeast])), bound];
  });
  const heads = found.flatMap(([name]) => [`${name}: pairs with K = k`, "share with K >= k"]);
  return table(["k", ...heads, "bound 1 / k!"], rows);
}

const falseWords = sum(({ decided }) => decided.falseWords);
const models = reports.reduce((n, report) => n + report.models, 0);
process.stdout.write(`${sum(({ decided }) => decided.pairs)} pairs of ${models} models, ${falseWords} false words\n\n`);
process.stdout.write(`${decisions()}T1 alone against N(0, 1):\n\n${single()}Quantiles (QQ):\n\n${quantiles()}`);
process.stdout.write(
  `T2 on the residual axis:\n\n${fixedPoints()}Tests of the whole decision:\n\n${inDecisions()}Agreement of single matrices:\n\n${agreements()}`,
);
