import { escapeText } from "../escape.ts";
import { formatBytes, formatCount, formatDuration, formatP } from "../numbers.ts";
import { isAccusing, relationText } from "../scan/finding.ts";
import type { ScanItemReport, ScanSummaryReport, ScanTargetReport } from "../schemas/index.ts";
import { adviceText } from "./advice-text.ts";
import { type Style, section, table } from "./style.ts";

/** "not-testable" is the longest word of the first column. */
const WORD_WIDTH = 12;
/** Columns are set before the names are known: longer ones push their line to the right. */
const NAME_WIDTH = 32;

/** One line: what was found, of which model, on what ground. */
export function scanItemText(item: ScanItemReport, style: Style): string[] {
  const word = wordOf(item);
  const name = escapeText(item.name).padEnd(NAME_WIDTH);
  return [`${emphasis(item, style)(word.padEnd(WORD_WIDTH))}  ${name}  ${detailOf(item)}`.trimEnd()];
}

/** One line: size where it is known, name, and where it lies. */
export function scanTargetText({ name, location, bytes }: ScanTargetReport): string[] {
  const size = bytes === null ? "" : formatBytes(Number(bytes));
  return [`${size.padEnd(WORD_WIDTH)}  ${escapeText(name).padEnd(NAME_WIDTH)}  ${escapeText(location)}`];
}

function wordOf({ status, verdict, marks }: ScanItemReport): string {
  if (status === "skipped" || status === "failed") return status;
  if (verdict !== null) return verdict;
  if (marks.length === 0) return "read";
  return marks.some(({ present }) => present) ? "marked" : "no mark";
}

function emphasis(item: ScanItemReport, { bold, dim, accent }: Style): (text: string) => string {
  if (item.status === "failed") return bold;
  if (isAccusing(item.verdict) || item.marks.some(({ present }) => present)) return (text) => accent(bold(text));
  return item.status === "skipped" ? dim : (text) => text;
}

function detailOf(item: ScanItemReport): string {
  const { failure, verdict, matches, marks, status, duplicateOf } = item;
  if (failure !== null) {
    return `${escapeText(failure.message)} (${failure.code}${failure.passing ? ", worth another try" : ""})`;
  }
  const [best] = matches;
  const found = marks.filter(({ present }) => present);
  return [
    ...(isAccusing(verdict) && best !== undefined ? [matchText(best)] : []),
    ...found.map(
      ({ keyId, level, log2P }) =>
        `mark of key ${escapeText(keyId)} (${escapeText(level)}${log2P === null ? "" : `, p <= 2^${Math.ceil(log2P)}`})`,
    ),
    ...(status === "duplicate" ? [`same weights as ${escapeText(duplicateOf ?? "-")}`] : []),
  ].join("; ");
}

function matchText(match: ScanItemReport["matches"][number]): string {
  const kind = match.relations.length === 0 ? "" : `, ${match.relations.map(escapeText).join(", ")}`;
  const p = match.log10P === null ? "" : `, ${formatP(match.log10P)}`;
  return `${relationText(match)}${p}${kind}`;
}

/** One screen: findings first, then what was covered, what it cost, and why the exit code is what it is. */
export function scanSummaryText(
  report: ScanSummaryReport,
  style: Style,
  findings: { readonly items: readonly ScanItemReport[]; readonly count: number } = { items: [], count: 0 },
): string[] {
  const more = findings.count - findings.items.length;
  return [
    headline(report, style),
    ...section(
      "Findings",
      [
        ...findings.items.flatMap((item) => scanItemText(item, style)).map((line) => `  ${line}`),
        ...(more > 0 ? [`  and ${formatCount(more, "more", "more")}`] : []),
      ],
      style,
    ),
    ...section("Coverage", table(coverage(report)), style),
    ...adviceText(
      report.reasons.map(({ code }) => code),
      style,
    ),
    ...section("Cost", table(cost(report)), style),
    ...section("Limits", limits(report), style),
    "",
    `Exit code ${report.exitCode}: ${exitText(report)}`,
  ];
}

function headline(report: ScanSummaryReport, { bold, accent }: Style): string {
  const state = report.interrupted ? " (interrupted)" : report.complete ? "" : " (incomplete)";
  const found = report.verdicts
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count.toLocaleString("en-US")} ${verdict}`);
  if (report.keys.length > 0) found.push(`${report.marked.toLocaleString("en-US")} marked`);
  const what = found.length === 0 ? "no verdicts" : found.join(", ");
  return `${accent(bold(`${formatCount(report.listed, "model")}${state}`))}: ${what}`;
}

function coverage(report: ScanSummaryReport): string[][] {
  const why = (status: "skipped" | "failed") =>
    report.reasons
      .filter((reason) => reason.status === status)
      .map(({ code, passing, count }) => `${code} ${count}${passing ? " (worth another try)" : ""}`)
      .join(", ");
  return [
    ["listed", report.listed.toLocaleString("en-US"), `${formatBytes(Number(report.bytesTotal))} of weights`],
    ["done", report.done.toLocaleString("en-US"), report.work === undefined ? "" : doneText(report.work)],
    ["duplicates", report.duplicates.toLocaleString("en-US"), ""],
    ["skipped", report.skipped.toLocaleString("en-US"), why("skipped")],
    ["failed", report.failed.toLocaleString("en-US"), why("failed")],
  ];
}

function doneText({ read, cached, replayed }: NonNullable<ScanSummaryReport["work"]>): string {
  const before = replayed === 0 ? "" : `; ${formatCount(replayed, "result")} from before this run`;
  return `${read.toLocaleString("en-US")} read, ${cached.toLocaleString("en-US")} from the cache${before}`;
}

function cost({ work, listed }: ScanSummaryReport): string[][] {
  if (work === undefined) return [];
  const { requests, listing, bytesRead, elapsedMs, replayed } = work;
  const seconds = (elapsedMs ?? 0) / 1000;
  const rate = seconds > 0 ? `, ${((listed - replayed) / seconds).toPrecision(2)} models/s` : "";
  const sent = (["api", "resolve", "storage"] as const).map((kind) => requests[kind] + listing[kind]);
  const [api, resolve, storage] = sent.map((count) => count.toLocaleString("en-US"));
  const all = sent.reduce((sum, count) => sum + count, 0);
  return [
    ["bytes read", formatBytes(Number(bytesRead)), ""],
    ...(all === 0
      ? []
      : [["requests", all.toLocaleString("en-US"), `${api} API, ${resolve} resolve, ${storage} storage`]]),
    ...(elapsedMs === null ? [] : [["time", formatDuration(seconds), `this run${rate}`]]),
  ];
}

function limits(report: ScanSummaryReport): string[] {
  const silent = report.verdicts.some(({ verdict, count }) => verdict === "no-evidence" && count > 0);
  return [
    ...(silent
      ? ["  - no-evidence does not prove that a model is unrelated to the registered bases, or to others"]
      : []),
    ...(report.registry === null ? ["  - models were held against no registry"] : []),
    ...(report.skipped + report.failed > 0 ? ["  - of models that were skipped or failed nothing is known"] : []),
  ];
}

function exitText(report: ScanSummaryReport): string {
  const { exitCode, failed, interrupted } = report;
  const passing = report.reasons.reduce((sum, reason) => sum + (reason.passing ? reason.count : 0), 0);
  switch (exitCode) {
    case 0:
      return "done, and nothing at or above `failOn`";
    case 1:
      return "findings at or above `failOn`";
    case 3:
      if (failed === 0) return "a result could not be written";
      return `${formatCount(failed, "model was", "models were")} malformed or refused`;
    case 4:
      return "nothing that could be scanned";
    case 5:
      if (interrupted) return "stopped before the end; go on with `resume`";
      return `${formatCount(passing, "model")} failed for passing reasons; try them again with \`resume\``;
    default:
      return "a bug in weightmark; the models concerned say INTERNAL";
  }
}
