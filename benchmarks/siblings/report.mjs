/**
 * The Markdown of benchmarks/siblings.mjs: verdicts and strengths by size, kind and steps of the base; of the runs that
 * vary the recipe, which are many kinds, by kind and steps.
 */
import { quantile } from "../support/statistics.mjs";

const CURVE = ["sibling-text", "sibling-order", "light", "normal", "continued", "later"];
const VARIATIONS = [
  "sibling-decay",
  "sibling-decay-order",
  "sibling-decay-text",
  "sibling-decayed",
  "sibling-batch",
  "sibling-optimiser",
  "sibling-schedule",
  "decay-1-light",
  "decay-1-normal",
  "decay-1-continued",
  "decay-1-released",
  "decay-1-later",
  "continued-decay-1",
];
const KINDS = [...CURVE, ...VARIATIONS];
const WORDS = ["identical", "recast", "derived", "shared-init", "no-evidence", "not-testable"];
const MARKS = { wrong: "WRONG", lost: "lost" };
const LISTED_PER_KIND = 8;

export function report(rows) {
  const curve = rows.filter(({ kind }) => CURVE.includes(kind));
  const varied = rows.filter(({ kind }) => !CURVE.includes(kind));
  const parts = [
    ...section(curve, "Verdicts: pairs by steps of the base, and what the suspect is.", verdictTable, strengthTable),
    ...section(varied, "Variations of the recipe: pairs by steps of the base.", variedVerdicts, variedStrengths),
    ...["wrong", "lost"].map((outcome) => list(rows, outcome)),
    totals(rows),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function section(rows, title, verdicts, strengthsOf) {
  if (rows.length === 0) return [];
  const kinds = [...new Set(rows.map(kindOf))].sort((a, b) => placeOf(a) - placeOf(b));
  const strengths = [...new Set(rows.flatMap((row) => row.strengths))];
  return [
    title,
    verdicts(rows, kinds),
    "Strengths, minimum / median / maximum (pairs that have one).",
    strengthsOf(rows, kinds, strengths),
  ];
}

/** A tuned suspect that is held against a sibling of its base is a kind of its own. */
function kindOf({ kind, tuned }) {
  return tuned ? `${kind}, tuned` : kind;
}

function placeOf(kind) {
  const [plain, tuned] = kind.split(", ");
  return 2 * KINDS.indexOf(plain) + (tuned ? 1 : 0);
}

function groups(rows, keyOf) {
  const found = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(row);
  }
  return found;
}

function verdictTable(rows, kinds) {
  const lines = [];
  for (const [, ofSize] of groups(rows, ({ size }) => size)) {
    for (const [steps, alike] of ordered(groups(ofSize, ({ baseSteps }) => baseSteps))) {
      const cells = kinds.map((kind) => verdictCell(alike.filter((row) => kindOf(row) === kind)));
      lines.push([ofSize[0].size, steps, ...cells]);
    }
  }
  return table(["size", "base steps", ...kinds], lines);
}

/** Kinds as rows, all sizes together. */
function variedVerdicts(rows, kinds) {
  const steps = [...new Set(rows.map(({ baseSteps }) => baseSteps))].sort((a, b) => a - b);
  const lines = kinds.map((kind) => {
    const ofKind = rows.filter((row) => kindOf(row) === kind);
    const cells = steps.map((count) => verdictCell(ofKind.filter(({ baseSteps }) => baseSteps === count)));
    return [kind, ofKind.length, ...cells];
  });
  return table(["kind", "pairs", ...steps], lines);
}

/** "derived 3 (6 %) WRONG, shared-init 46 (94 %)". */
function verdictCell(rows) {
  const words = [...groups(rows, ({ verdict }) => verdict)];
  words.sort(([a], [b]) => WORDS.indexOf(a) - WORDS.indexOf(b));
  const parts = words.map(([word, alike]) => {
    const share = Math.round((100 * alike.length) / rows.length);
    const mark = MARKS[alike[0].outcome];
    return `${word} ${alike.length} (${share} %)${mark ? ` **${mark}**` : ""}`;
  });
  return parts.join(", ") || "-";
}

function strengthTable(rows, kinds, strengths) {
  const lines = [];
  for (const [size, ofSize] of groups(rows, (row) => row.size)) {
    for (const kind of kinds) {
      const ofKind = ofSize.filter((row) => kindOf(row) === kind);
      for (const [steps, alike] of ordered(groups(ofKind, ({ baseSteps }) => baseSteps))) {
        lines.push([size, kind, steps, ...strengths.map((name) => strengthCell(alike, name))]);
      }
    }
  }
  return table(["size", "kind", "base steps", ...strengths], lines);
}

function variedStrengths(rows, kinds, strengths) {
  const lines = kinds.map((kind) => {
    const ofKind = rows.filter((row) => kindOf(row) === kind);
    return [kind, ...strengths.map((name) => strengthCell(ofKind, name))];
  });
  return table(["kind", ...strengths], lines);
}

/** ".02 / .11 / .39 (49)". */
function strengthCell(rows, name) {
  const values = rows.flatMap((row) => (Number.isFinite(row[name]) ? [row[name]] : [])).sort((a, b) => a - b);
  if (values.length === 0) return "-";
  return `${[0, 0.5, 1].map((q) => quantile(values, q).toFixed(3)).join(" / ")} (${values.length})`;
}

/** Some of every kind: a kind with one wrong word must not drown in another's. */
function list(rows, outcome) {
  const found = rows.filter((row) => row.outcome === outcome);
  if (found.length === 0) return "";
  const lines = [...groups(found, kindOf)].flatMap(([kind, ofKind]) => {
    const shown = ofKind.slice(0, LISTED_PER_KIND).map((row) => `- ${pairText(row)}`);
    const rest = ofKind.length - shown.length;
    return rest > 0 ? [...shown, `- and ${rest} more of ${kind}`] : shown;
  });
  return [`${MARKS[outcome]}:\n`, ...lines].join("\n");
}

function pairText(row) {
  const strengths = row.strengths.map((name) => `${name} ${row[name].toFixed(3)}`).join(", ");
  return `${row.suspect} against ${row.base} (${kindOf(row)}): ${row.verdict}; ${strengths}${learnedText(row.learned)}`;
}

/** Both ways round, so that a wrong word can be traced to the rule that said it. */
function learnedText(learned) {
  if (!learned) return "";
  const one = ({ share, bulk, spread, directions }) =>
    `L ${share.toFixed(2)} b ${bulk.toFixed(2)} spread ${spread.toFixed(2)} directions ${directions.toFixed(1)}`;
  return `; base in suspect ${one(learned.baseInSuspect)}; suspect in base ${one(learned.suspectInBase)}`;
}

function totals(rows) {
  const count = (outcome) => rows.filter((row) => row.outcome === outcome).length;
  return (
    `${rows.length} pairs, ${count("wrong")} siblings wrong, ${count("lost")} derivatives of trained bases lost, ` +
    `${count("unseen")} of bases that hardly trained not seen`
  );
}

const ordered = (found) => [...found].sort(([a], [b]) => a - b);

function table(head, lines) {
  const rule = head.map(() => "---");
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
