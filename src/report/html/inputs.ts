import { escapeText } from "../escape.ts";
import { formatBytes, formatParameters } from "../numbers.ts";
import type { CompareReport, Report } from "../schemas/index.ts";
import { facts, hashText, paragraph, section } from "./blocks.ts";
import { type Html, html, named, type Part } from "./markup.ts";

type Input = CompareReport["inputs"]["suspect"];

const KINDS = { model: "model", fingerprint: "fingerprint file, which stands for a model" } as const;

/** One model as it was found. */
export function inputFacts(role: string, input: Input): Html {
  const { bytesRead, bytesTotal } = input;
  const depth = input.depth === "full" ? "every byte" : "samples of the values, at fixed places";
  return html`<h3>${role}</h3>
${facts([
  ["Where", named(input.location)],
  ["What", KINDS[input.kind]],
  ["Revision", input.revision === null ? null : named(input.revision)],
  ["Architecture", html`${input.family}, ${formatParameters(Number(input.parameters))}`],
  ["Read", `${formatBytes(Number(bytesRead))} of ${formatBytes(Number(bytesTotal))}: ${depth}`],
  ["Digest of values", hashText(input.sampledRoot)],
  ["Digest of all values", hashText(input.contentRoot)],
  ["Digest of the layout", hashText(input.manifestRoot)],
])}`;
}

export function inputsSection(...parts: readonly Part[]): Html {
  return section(
    "What was examined",
    paragraph(
      "Digests are BLAKE3: over the values that were read, over all values where all were read, and over names, types and shapes of all tensors. The same files give the same digests.",
    ),
    parts,
  );
}

/** How to do the same again. */
export function againSection(command: string | null, remarks: string): Html {
  return section(
    "How to do this again",
    command === null
      ? paragraph(
          "A name holds characters that cannot be shown here, so no command is given; the JSON result has the names.",
        )
      : html`<pre><code>${command}</code></pre>\n`,
    paragraph(remarks),
  );
}

/**
 * The command line of a command with its options, by their names, and what it is asked of; null where a name would not be
 * printed as it is.
 */
export function commandLine(
  command: string,
  options: Readonly<Record<string, string>>,
  places: readonly string[],
): string | null {
  if (places.some((place) => escapeText(place) !== place)) return null;
  const flags = Object.entries(options).map(([name, value]) => `--${name} ${value}`);
  const quoted = places.map((place) =>
    /^[\w./:@%+=,-]+$/.test(place) ? place : `'${place.replaceAll("'", `'\\''`)}'`,
  );
  const dashed = places.some((place) => place.startsWith("-")) ? ["--"] : [];
  return ["weightmark", command, ...flags, ...dashed, ...quoted].join(" ");
}

/** Where to find an input again: of a Hub repository the commit that was read. */
export function placeOf({
  location,
  revision,
}: {
  readonly location: string;
  readonly revision: string | null;
}): string {
  return revision !== null && location.startsWith("hf:") && !location.includes("@")
    ? `${location}@${revision}`
    : location;
}

/** Who made a result, and when. */
export function madeBy({ tool, startedAt, finishedAt }: Pick<Report, "tool" | "startedAt" | "finishedAt">): string {
  const begun = startedAt === undefined ? "" : `, begun ${startedAt}`;
  const ended = finishedAt === undefined ? "" : `, finished ${finishedAt}`;
  return `${tool.name} ${tool.version}${begun}${ended}`;
}
