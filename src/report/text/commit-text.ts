import { escapeText } from "../escape.ts";
import type { CommitReport } from "../schemas/index.ts";
import { limitsText } from "./compare-text.ts";
import { type Style, section, table } from "./style.ts";

type Time = CommitReport["time"];

const DONE = {
  make: "committed",
  stamp: "stamped",
  verify: "signature holds",
  open: "opened",
  print: "commitment",
} as const;

/** What was done, then what was committed: it fits on one page, to be printed and filed. */
export function commitText(report: CommitReport, style: Style): string[] {
  const { bold, accent } = style;
  const { statement, opened, written, checked } = report;
  const { key, model, mark } = statement;
  const none = "not committed";
  const rows = [
    ["release", escapeText(key.release)],
    ["key", key.id],
    ["root of its layers", key.root],
    ["signed by (Ed25519)", key.publicKey],
    ["marked model", `${model.marked}, ${model.layers} layers`],
    ["unmarked model", model.unmarked ?? none],
    ...(model.base === null ? [] : [["public base", model.base]]),
    ["sketch", model.sketch ?? none],
    ["mark", `${mark.mode}: ${mark.carriers.join(", ")}`],
    ["payload", mark.payload === null ? none : `${mark.payload}, ${mark.payloadBits} bits`],
    ["made by", `weightmark ${escapeText(statement.tool.version)}`],
  ];
  const openedText =
    opened === null
      ? []
      : [
          `  layers ${opened.layers.join(", ")} of ${opened.of}${opened.payload ? ", and the payload" : ""}`,
          `  ${opened.challenge === null ? "chosen freely" : `by the challenge "${escapeText(opened.challenge)}"`}`,
        ];
  return [
    `${accent(bold(DONE[report.action]))}: ${escapeText(report.location)}`,
    ...section(
      "Digest (SHA-256; the last group of a line tells a wrong digit in it)",
      report.printed.map((line, i) => `  ${i + 1}  ${line}`),
      style,
    ),
    ...section("Committed", table(rows), style),
    ...timeText(report.time, style),
    ...section("Fits", table(checked.map((one) => [one])), style),
    ...section("Opened", openedText, style),
    ...section(
      "Written",
      table(
        written.map(({ path, secret }) => [
          escapeText(path),
          secret ? "secret: whoever has it knows what it opens" : "",
        ]),
      ),
      style,
    ),
    ...limitsText(report.caveats, style),
  ];
}

/** When it was committed, as far as that is shown, and what is not. */
export function timeText({ timestamps, sentence }: Time, style: Style): string[] {
  const rows = timestamps.map(({ time, authority, policy, serial, trusted }) => [
    time,
    escapeText(authority),
    `policy ${policy}, serial ${serial}`,
    trusted ? "leads to a root that was given" : "not held against any root",
  ]);
  return section("Time", [...table(rows), `  ${escapeText(sentence)}`], style);
}
