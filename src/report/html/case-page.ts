import { formatCount } from "../numbers.ts";
import type { CaseReport, CaseVerifyReport } from "../schemas/index.ts";
import { atMost, facts, hashText, list, moreText, paragraph, section, table } from "./blocks.ts";
import { againSection, commandLine } from "./inputs.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { signerText } from "./signing-page.ts";
import { banner } from "./verdict.ts";

const MOST_ROWS = 200;
const WORDS = {
  reproduced: "came out again",
  changed: "did not come out again",
  missing: "something is missing",
  "not-checked": "not tested",
} as const;

/** A case: what is in it, and its log. The results themselves stand behind it, each as a page of its own shows it. */
export function casePage({ title, examiner, notes, redacted, inputs, results, log }: CaseReport): Html {
  const isSealed = log.at(-1)!.action === "preservation";
  return html`${banner({
    word: isSealed ? "Sealed case" : "Open case",
    sentence: title,
    claim: false,
    paragraphs: [
      `${formatCount(results.length, "result")} of ${formatCount(inputs.length, "input")}; what each of them says stands below.`,
      "Neither the seal nor the log was verified for this page, and no model was read for it.",
    ],
  })}${section(
    "The case",
    facts([
      ["Examiner", examiner === null ? null : named(examiner)],
      ["Paths", redacted ? "reduced to their last part" : null],
      ["Head of the log (SHA-256)", hashText(log.at(-1)!.digest)],
    ]),
    list(notes),
  )}${inputsPart(inputs)}${section(
    "Results",
    table(
      "Results",
      [{ head: "Number" }, { head: "Kind" }, { head: "Taken from" }, { head: "Of", kind: "wide" }],
      shownRows(results, ({ file, inputs: of, result }, i) => [
        String(i + 1),
        result.schema,
        named(file.name),
        of.map(({ role, name }) => `${role} ${name}`).join(", "),
      ]),
    ),
    moreText(atMost(results, MOST_ROWS).more),
  )}${logPart(log)}${againSection(
    commandLine("case verify", { "public-key": "PUBLICKEY", weights: "NAME=PATH" }, ["CASE"]),
    "PUBLICKEY is that of the one who sealed the case, from elsewhere; repeat the option for every input that you have, by the names above.",
  )}`;
}

function inputsPart(inputs: CaseReport["inputs"]): Html {
  return section(
    "What was examined",
    paragraph("An input without digests and without hashed files cannot be told from another of its name."),
    table(
      "Inputs",
      [{ head: "Name" }, { head: "Kind" }, { head: "Where" }, { head: "Digests", kind: "wide" }],
      shownRows(inputs, ({ name, kind, location, digests, files, fingerprints }) => [
        name,
        kind,
        named(location),
        list([
          ...Object.entries(digests).map(([what, digest]) => html`${what} ${hashText(digest ?? null)}`),
          ...atMost(files ?? [], MOST_ROWS).shown.map(
            ({ path, sha256 }) => html`${path === "." ? "file" : named(path)} ${hashText(sha256)}`,
          ),
          ...atMost(fingerprints ?? [], MOST_ROWS).shown.map(
            (entry) => html`${named(entry.name)} ${hashText(entry.digest)}`,
          ),
        ]),
      ]),
    ),
    moreText(atMost(inputs, MOST_ROWS).more),
  );
}

function logPart(log: CaseReport["log"]): Html {
  return section(
    "Chain of custody",
    paragraph(
      "The words are those of ISO/IEC 27037: identification, collection, acquisition, preservation. Each entry holds the digest of the one before, so that none can be left out, moved or changed without those behind it.",
    ),
    table(
      "Log",
      [
        { head: "Entry" },
        { head: "Time" },
        { head: "Action" },
        { head: "By" },
        { head: "With" },
        { head: "Digest", kind: "wide" },
      ],
      shownRows(log, ({ number, time, action, by, note, environment, digest }) => [
        String(number),
        time ?? "left out",
        note === null ? action : html`${action}: ${named(note)}`,
        by === null ? "" : named(by),
        `weightmark ${environment.tool.version}, Node ${environment.node}, ${environment.platform}`,
        hashText(digest),
      ]),
    ),
    moreText(atMost(log, MOST_ROWS).more),
  );
}

/** What of a sealed case holds, and which of its results came out again. */
export function caseVerifyPage(report: CaseVerifyReport): Html {
  const { holds, code, sentence, detail, signedBy, inputs, results, environment, caveats } = report;
  const found = report.case;
  return html`${banner({
    word: holds ? "Seal holds" : "Case does not hold",
    sentence,
    claim: !holds,
    paragraphs: holds ? [] : [detail],
  })}${section(
    "The case",
    facts([
      ["File", named(report.location)],
      ["Code", code],
      ["Title", found === null ? null : named(found.title)],
      ["Examiner", found === null || found.examiner === null ? null : named(found.examiner)],
      [
        "Sealed by",
        signedBy === null ? "not proven, so that nothing was held against it" : named(signerText(signedBy)),
      ],
      ["Sealed at", found === null ? null : (found.sealedAt ?? "no time was recorded")],
      ["Head of the log (SHA-256)", hashText(found?.head ?? null)],
      ["Tool", environment === null ? null : toolPart(environment)],
    ]),
  )}${
    results.length === 0
      ? null
      : section(
          "Results",
          table(
            "Results",
            [
              { head: "Number" },
              { head: "Kind" },
              { head: "Recorded", kind: "wide" },
              { head: "Now" },
              { head: "Why", kind: "wide" },
            ],
            shownRows(results, ({ number, schema, sentence: said, status, details }) => [
              String(number),
              schema,
              named(said),
              WORDS[status],
              lines(details),
            ]),
          ),
          moreText(atMost(results, MOST_ROWS).more),
        )
  }${
    inputs.length === 0
      ? null
      : section(
          "Inputs",
          table(
            "Inputs",
            [{ head: "Name" }, { head: "Kind" }, { head: "Now" }, { head: "Compared" }, { head: "Why", kind: "wide" }],
            shownRows(inputs, ({ name, kind, status, compared, details }) => [
              name,
              kind,
              status,
              compared.join(", "),
              lines(details),
            ]),
          ),
          moreText(atMost(inputs, MOST_ROWS).more),
        )
  }${caveats.length === 0 ? null : section("Limits", list(caveats))}`;
}

function toolPart({ recorded, here, same }: NonNullable<CaseVerifyReport["environment"]>): string {
  const versions = [...new Set(recorded.map(({ tool }) => tool.version))].join(", ");
  return `weightmark ${here.tool.version} here, ${versions} recorded: ${same ? "the same files" : "its files differ from the recorded ones"}`;
}

function lines(details: readonly string[]): Html | null {
  return list(details.map((detail) => named(detail)));
}

function shownRows<T>(items: readonly T[], row: (item: T, i: number) => readonly Part[]): (readonly Part[])[] {
  return atMost(items, MOST_ROWS).shown.map(row);
}
