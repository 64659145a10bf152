import { escapeText } from "../escape.ts";
import { formatCount } from "../numbers.ts";
import type { CaseReport, CaseVerifyReport } from "../schemas/index.ts";
import { signerText } from "./signing-text.ts";
import { atMost, type Style, section, table } from "./style.ts";

/** Rows that are shown of a kind; the JSON report has all. */
const SHOWN = 40;

/** What the words of ISO/IEC 27037 stand for here. */
const ACTIONS = {
  identification: "the case was opened",
  collection: "results were taken in",
  acquisition: "inputs were hashed",
  preservation: "the case was sealed",
} as const;

/** A case as it stands after it was opened, added to or sealed. */
export function caseText(
  { title, examiner, notes, redacted, inputs, results, log }: CaseReport,
  style: Style,
): string[] {
  const last = log.at(-1)!;
  const state = last.action === "preservation" ? "sealed case" : "open case";
  return [
    `${style.bold(state)}: ${escapeText(title)}`,
    ...table([
      ...(examiner === null ? [] : [["examiner", escapeText(examiner)]]),
      ...notes.map((note) => ["note", escapeText(note)]),
      ["holds", `${formatCount(results.length, "result")} of ${formatCount(inputs.length, "input")}`],
      ...(redacted ? [["paths", "reduced to their last part"]] : []),
      ["head of log", last.digest],
    ]),
    ...section("Results", atMost(results.map(resultLine), SHOWN), style),
    ...section("Inputs", atMost(table(inputs.map(inputRow)), SHOWN), style),
    ...section("Chain of custody (ISO/IEC 27037)", atMost(table(log.map(logRow)), SHOWN), style),
  ];
}

function resultLine({ result, inputs, file }: CaseReport["results"][number], i: number): string {
  const of = inputs.map(({ role, name }) => `${role} ${name}`).join(", ");
  return `  ${i + 1}. ${result.schema.replace("weightmark/", "")} (${escapeText(file.name)}): ${escapeText(of)}`;
}

function inputRow({ name, kind, digests, files, location }: CaseReport["inputs"][number]): string[] {
  const [digest] = Object.entries(digests);
  const hashed = files === null ? "not hashed itself" : `${formatCount(files.length, "file")} hashed`;
  const known = digest?.[1] === undefined ? "no digest in the results" : `${digest[0]} ${digest[1].slice(0, 16)}`;
  return [name, kind, known, kind === "registry" ? "" : hashed, escapeText(location)];
}

function logRow({ number, time, action, by, note, digest }: CaseReport["log"][number]): string[] {
  const who = by === null ? "" : ` by ${escapeText(by)}`;
  const said = note === null ? "" : `: ${escapeText(note)}`;
  return [String(number), time ?? "no time", `${action}: ${ACTIONS[action]}${who}${said}`, digest.slice(0, 16)];
}

/** What of a sealed case holds, and what of it was tested. */
export function caseVerifyText(report: CaseVerifyReport, style: Style): string[] {
  const { holds, code, sentence, location, detail, signedBy, environment, caveats } = report;
  const verdict = holds ? "seal holds" : `case does not hold (${code})`;
  const { inputs, results } = report;
  return [
    `${style.bold(verdict)}: ${escapeText(location)}`,
    `  ${escapeText(sentence)}`,
    ...table([
      ...(report.case === null ? [] : caseRows(report.case)),
      ["sealed by", signedBy === null ? "not proven, so that nothing was held against it" : signerText(signedBy)],
    ]),
    ...section("Results", atMost(results.flatMap(checkedResult), SHOWN), style),
    ...section("Inputs", atMost(inputs.flatMap(checkedInput), SHOWN), style),
    ...section("Tool", environment === null ? [] : [`  ${toolText(environment)}`], style),
    ...section("What to do next", detail === null ? [] : [`  ${escapeText(detail)}`], style),
    ...section(
      "Limits",
      caveats.map((caveat) => `  - ${escapeText(caveat)}`),
      style,
    ),
  ];
}

function caseRows({ title, examiner, sealedAt, entries, head }: NonNullable<CaseVerifyReport["case"]>): string[][] {
  return [
    ["title", escapeText(title)],
    ...(examiner === null ? [] : [["examiner", escapeText(examiner)]]),
    ["sealed at", sealedAt ?? "no time was recorded"],
    ["log", `${formatCount(entries, "entry", "entries")}, head ${head}`],
  ];
}

function toolText({ recorded, here, same }: NonNullable<CaseVerifyReport["environment"]>): string {
  const versions = [...new Set(recorded.map(({ tool }) => tool.version))].map(escapeText).join(", ");
  const own = same ? "the same files" : "its files differ from the recorded ones";
  return `weightmark ${escapeText(here.tool.version)} here, ${versions} recorded: ${own}`;
}

function checkedResult({ number, schema, sentence, status, details }: CaseVerifyReport["results"][number]): string[] {
  const kind = schema.replace("weightmark/", "");
  return [
    `  ${number}. ${status}: ${kind}: ${escapeText(sentence)}`,
    ...details.map((one) => `     - ${escapeText(one)}`),
  ];
}

function checkedInput({ name, kind, status, compared, details }: CaseVerifyReport["inputs"][number]): string[] {
  const by = compared.length === 0 ? "" : ` (${compared.join(", ")})`;
  return [`  - ${status}: ${kind} ${name}${by}`, ...details.map((one) => `     - ${escapeText(one)}`)];
}
