import type { CommitReport } from "../schemas/index.ts";
import { facts, hashText, list, paragraph, section, table } from "./blocks.ts";
import { type Html, html, named } from "./markup.ts";
import { banner } from "./verdict.ts";

const ACTIONS = {
  make: "Committed",
  stamp: "Stamped",
  verify: "Commitment checked",
  open: "Layers opened",
  print: "Commitment",
} as const;

/** What was committed before a release, when as far as that is shown, and what was opened of it. */
export function commitPage(report: CommitReport): Html {
  const { action, statement, digest, printed, checked, written, opened, caveats } = report;
  const { key, model, mark } = statement;
  return html`${banner({
    word: ACTIONS[action],
    sentence: `Key ${key.id} of the release ${key.release} is committed, with the model that it marked.`,
    claim: false,
    paragraphs: [report.time.sentence],
  })}${section(
    "What is committed",
    facts([
      ["File", named(report.location)],
      ["Digest (SHA-256)", hashText(digest)],
      ["Root of the key's layers", hashText(key.root)],
      ["Signed by (Ed25519)", hashText(key.publicKey)],
      ["Marked model", html`${hashText(model.marked)}, ${model.layers} layers`],
      ["Unmarked model", hashText(model.unmarked)],
      ["Public base", hashText(model.base)],
      ["Sketch", hashText(model.sketch)],
      ["Mark", `${mark.mode}: ${mark.carriers.join(", ")}`],
      ["Payload", mark.payload === null ? "not committed" : html`${hashText(mark.payload)}, ${mark.payloadBits} bits`],
      ["Made by", `weightmark ${statement.tool.version}`],
    ]),
    paragraph("The digest to be typed again; the last group of a line tells a wrong digit in it:"),
    html`<pre><code>${printed.join("\n")}</code></pre>\n`,
    checked.length === 0 ? null : html`${paragraph("Held against the commitment, and fits:")}${list(checked)}`,
  )}${timeSection(report.time)}${opened === null ? null : openedSection(opened)}${
    written.length === 0
      ? null
      : section(
          "Files that were written",
          table(
            "Files",
            [{ head: "File", kind: "wide" }, { head: "Secret" }],
            written.map(({ path, secret }) => [named(path), secret ? "yes: whoever has it knows what it opens" : "no"]),
          ),
        )
  }${caveats.length === 0 ? null : section("Limits", list(caveats))}`;
}

/** When a commitment was made, as far as time stamps show. */
export function timeSection({ timestamps, sentence }: CommitReport["time"]): Html {
  return section(
    "Time",
    paragraph(sentence),
    table(
      "Time stamps",
      [
        { head: "Time" },
        { head: "Authority" },
        { head: "Policy" },
        { head: "Serial", kind: "wide" },
        { head: "Trusted" },
      ],
      timestamps.map(({ time, authority, policy, serial, trusted }) => [
        time,
        named(authority),
        policy,
        serial,
        trusted ? "leads to a root that was given" : "not held against any root",
      ]),
    ),
  );
}

function openedSection({ layers, of, challenge, payload }: NonNullable<CommitReport["opened"]>): Html {
  const chosen = challenge === null ? "chosen freely" : html`by the challenge ${named(challenge)}`;
  return section(
    "Opened",
    paragraph(html`Layers ${layers.join(", ")} of ${of}${payload ? ", and the payload" : null}, ${chosen}.`),
  );
}
