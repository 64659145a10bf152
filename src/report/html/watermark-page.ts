import { formatBytes, formatCount, formatNumber } from "../numbers.ts";
import type { WatermarkVerifyReport } from "../schemas/index.ts";
import { facts, hashText, paragraph, section, table } from "./blocks.ts";
import { chanceText, fromLog2 } from "./chance.ts";
import { timeSection } from "./commit-page.ts";
import { caveatsSection } from "./evidence.ts";
import { againSection, commandLine, inputsSection } from "./inputs.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { histogram } from "./pictures/histogram.ts";
import { NORMAL, nullCurve } from "./pictures/null-curve.ts";
import { figures } from "./pictures/picture.ts";
import { banner } from "./verdict.ts";

const LEVELS = {
  none: "Mark not found",
  evidence: "Mark found: evidence",
  strong: "Mark found: strong evidence",
  forensic: "Mark found: forensic evidence",
} as const;

const METHOD: readonly string[] = [
  "A mark is a very small change of a model's weights, spread over many of them, in a pattern that only the holder of a secret key knows. Without the key it looks like noise.",
  "To look for it, the pattern of the key is laid over the weights of the suspect. Weights that know nothing of the key agree with it as often as a fair coin would. How seldom chance alone gives the agreement that was found can be computed.",
  "The same is done with thousands of other patterns (decoys), which must look like chance. Where the key stands far from all of them, its pattern is in the weights.",
];

const LIMITS: readonly string[] = [
  "That a mark is found says that the weights know this key. Who put it there, and when, must be shown by other means: a commitment that was published before the release, for one.",
  "That no mark is found is no proof that there was none: training anew on the model's answers, and changes that are larger than the mark outlives, remove it.",
  "The key decides the result. A key that was made after the suspect was known would prove nothing.",
];

export function verifyPage(report: WatermarkVerifyReport): Html {
  const { present, keyId, payload, level, inputs } = report;
  const sentence = present
    ? `The mark of key ${keyId} is in these weights${payload === null ? "" : `, and says ${payload.text === null ? payload.hex : `“${payload.text}”`}`}.`
    : `The mark of key ${keyId} was not found in these weights.`;
  const command = commandLine("watermark verify", { key: "KEYFILE" }, [inputs.model.location]);
  return html`${banner({ word: LEVELS[present ? level : "none"], sentence, claim: present, paragraphs: certainty(report) })}${evidence(report)}${committed(report.commitment)}${caveatsSection(report.caveats, LIMITS, METHOD)}${inputsOf(report)}${againSection(
    command,
    "KEYFILE is the secret file of this key. Name the base, the sketch and the tokenizer as well where “What was examined” lists them, and the payload where one was claimed.",
  )}`;
}

/** What the key was read from, and what is shown of when it was there. */
function committed(commitment: WatermarkVerifyReport["commitment"]): Html | null {
  if (commitment === undefined) return null;
  const { digest, opened, time } = commitment;
  const choice =
    opened === null
      ? null
      : paragraph(
          `Layers ${opened.layers.join(", ")} of ${opened.of} were opened and read, and no others; `,
          opened.isChallenged
            ? "they follow from the challenge that was given."
            : `the probability is corrected for 2^${opened.log2Choices} ways to choose them.`,
        );
  const read = section("The commitment to the key", facts([["Digest (SHA-256)", hashText(digest)]]), choice);
  return html`${read}${timeSection(time)}`;
}

function certainty({ present, log2P, log2Tried, payload }: WatermarkVerifyReport): Part[] {
  const ways = Math.ceil(2 ** Math.min(log2Tried, 60)).toLocaleString("en-US");
  const chance = chanceText(fromLog2(log2P));
  const needed = chanceText(fromLog2(-40));
  if (!present) {
    return [
      html`What was found is what chance gives with a probability of ${chance}, after correction for ${ways} ways that were tried. Evidence needs ${needed}. Not found is no proof that there was no mark.`,
    ];
  }
  const how =
    payload === null
      ? null
      : payload.how === "claimed"
        ? "The payload was claimed beforehand and fits."
        : "The payload was read from the weights; nobody had to claim it.";
  return [
    html`Weights that know nothing of this key agree with it as well as these do by chance with a probability of <strong>${chance}</strong>, after correction for ${ways} ways that were tried. Evidence needs ${needed}. This is not the probability that anybody is innocent or guilty.`,
    ...(how === null ? [] : [how]),
  ];
}

function evidence(report: WatermarkVerifyReport): Html {
  const columns = [
    { head: "Carrier" },
    { head: "Payload", kind: "number" },
    { head: "z", kind: "number" },
    { head: "p of the carrier", kind: "number" },
    { head: "Strength left", kind: "number" },
    { head: "Decides by itself" },
    { head: "Brought back by a sketch" },
  ] as const;
  const rows = report.carriers.map(({ name, payloadBits, statistic, log2P, gain, present, synchronised }) => [
    name,
    payloadBits === 0 ? "none" : `${payloadBits} bits`,
    formatNumber(statistic),
    boundText(log2P),
    formatNumber(gain),
    present ? "yes" : "no",
    synchronised ? "yes" : "no",
  ]);
  const pictures = report.carriers.map(({ name, statistic, log2P }) =>
    nullCurve({
      title: `Carrier ${name}`,
      axis: "standard deviations from chance (z)",
      curve: NORMAL,
      observed: statistic,
      caption: `z = ${formatNumber(statistic)}; between -4 and 4 by chance. ${boundText(log2P)}`,
    }),
  );
  return section(
    "What carries the mark",
    paragraph(
      "A mark lies in several kinds of weights, its carriers. Each picture shows what chance alone gives as a grey hill, and what was found as a line.",
    ),
    figures([...pictures, decoyPicture(report)]),
    table("Carriers, each by itself and not corrected", columns, rows),
    decoyText(report),
    alignmentText(report),
  );
}

function decoyPicture({ decoys, carriers }: WatermarkVerifyReport): Html | null {
  if (decoys?.histogram === undefined || carriers.length === 0) return null;
  const { low, width, counts } = decoys.histogram;
  return histogram({
    title: "The key among decoys",
    axis: "standard deviations from chance (z), best carrier",
    low,
    width,
    counts,
    observed: Math.max(...carriers.map(({ statistic }) => statistic)),
    observedName: "the key",
    caption: `${decoys.count.toLocaleString("en-US")} decoy keys, each by its best carrier; the key ranks ${decoys.rank.toLocaleString("en-US")}.`,
  });
}

function decoyText({ decoys }: WatermarkVerifyReport): Html | null {
  if (decoys === null) return paragraph("No decoy keys were tried.");
  const { count, rank, ks } = decoys;
  return paragraph(
    `The key ranks ${rank.toLocaleString("en-US")} among ${formatCount(count, "decoy key")} and itself. That the decoys are distributed as chance has it is not refuted: Kolmogorov-Smirnov distance ${ks.statistic.toFixed(4)}, p = ${ks.p.toPrecision(2)}.`,
  );
}

function alignmentText({ alignment }: WatermarkVerifyReport): Html | null {
  if (alignment === null) return null;
  const { rotation, layers, layersMatched, agreement, tried } = alignment;
  return html`<h3>What the sketch had to undo</h3>
${facts([
  ["Residual axis", rotation],
  ["Layers found", `${layersMatched} of ${layers}`],
  ["Agreement", formatNumber(agreement)],
  ["Ways scored", tried],
])}`;
}

/** An upper bound on p, rounded up to a power of two. */
function boundText(log2P: number): string {
  return log2P > -1 ? "p > 0.5" : `p <= 2^${Math.ceil(log2P)}`;
}

function inputsOf({ inputs, keyId, release, mode, log2Tried }: WatermarkVerifyReport): Html {
  const files = { Base: inputs.base, Sketch: inputs.reference, Tokenizer: inputs.tokenizer };
  return inputsSection(
    facts([
      ["Model", named(inputs.model.location)],
      ["Weights", formatBytes(Number(inputs.model.bytesTotal))],
      ["Key", html`${keyId}, release ${named(release)}`],
      ["Where the mark lies", mode === "release" ? "in the weights" : "in the difference to a public base"],
      ["Ways tried", `2^${log2Tried.toFixed(1)}`],
    ]),
    Object.entries(files).flatMap(([name, file]) =>
      file === null
        ? []
        : [
            html`<h3>${name}</h3>\n`,
            facts([
              ["Where", named(file.location)],
              ["Digest", hashText(file.digest)],
            ]),
          ],
    ),
  );
}
