import { formatP } from "../numbers.ts";
import { isAccusing, relationText } from "../scan/finding.ts";
import type { ScanItemReport } from "../schemas/index.ts";
import type { Column, Row } from "./blocks.ts";
import { named, type Part } from "./markup.ts";

export const SCAN_COLUMNS: readonly Column[] = [
  { head: "Model" },
  { head: "Result" },
  { head: "What was found", kind: "wide" },
  { head: "p, corrected", kind: "number" },
  { head: "Parameters", kind: "number" },
  { head: "Where", kind: "wide" },
];

const RANKS = ["identical", "recast", "derived", "shared-init", "no-evidence", "not-testable"];

/** One model in the table of a scan. */
export function scanRow(item: ScanItemReport): Row {
  const { name, verdict, status, matches, marks, parameters, location, revision } = item;
  const [best] = matches;
  const marked = marks.some(({ present }) => present);
  const rank =
    status === "failed" ? 8 : status === "skipped" ? 9 : verdict === null ? (marked ? 0 : 7) : RANKS.indexOf(verdict);
  const p = isAccusing(verdict) ? (best?.log10P ?? null) : null;
  return [
    named(name),
    { shown: resultWord(item), key: rank },
    detail(item),
    { shown: p === null ? "-" : formatP(p), key: p ?? 1 },
    { shown: parameters === null ? "-" : Number(parameters).toLocaleString("en-US"), key: Number(parameters ?? 0) },
    named(revision === null || location.includes("@") ? location : `${location}@${revision}`),
  ];
}

function resultWord({ status, verdict, marks }: ScanItemReport): string {
  if (status === "skipped" || status === "failed") return status;
  if (verdict !== null) return verdict;
  if (marks.length === 0) return "read";
  return marks.some(({ present }) => present) ? "marked" : "no mark";
}

function detail({ failure, verdict, matches, marks, status, duplicateOf }: ScanItemReport): Part {
  if (failure !== null) {
    const next = failure.detail === null ? "" : ` ${failure.detail}`;
    return `${failure.message} (${failure.code}${failure.passing ? ", worth another try" : ""}).${next}`;
  }
  const found = marks
    .filter(({ present }) => present)
    .map(
      ({ keyId, level, log2P }) =>
        `mark of key ${keyId} (${level}${log2P === null ? "" : `, p <= 2^${Math.ceil(log2P)}`})`,
    );
  const [best] = matches;
  const said = [
    ...(isAccusing(verdict) && best !== undefined ? [relationText(best)] : []),
    ...(isAccusing(verdict) && best !== undefined && best.relations.length > 0 ? [best.relations.join(", ")] : []),
    ...found,
    ...(status === "duplicate" ? [`same weights as ${duplicateOf ?? "-"}`] : []),
  ];
  return said.length === 0 ? null : said.join("; ");
}
