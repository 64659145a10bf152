import { escapeText } from "../escape.ts";
import { formatBytes, formatCount } from "../numbers.ts";
import type { SignReport, VerifyReport } from "../schemas/index.ts";
import { atMost, type Style, section, table } from "./style.ts";

/** Paths that are shown of a kind; the JSON report has all. */
const SHOWN = 20;

export function signText({ inputs, output, signed }: SignReport, style: Style): string[] {
  const { name, digest, method, curve, files, bytes, ignored, uncovered } = signed;
  return [
    `${style.bold("signed")} ${escapeText(inputs.model.location)}: ${formatCount(files, "file")}, ${formatBytes(Number(bytes))}`,
    ...table([
      ["signature", escapeText(output.location)],
      ["name", escapeText(name)],
      ["digest", digest],
      ["with", `a ${method === "key" ? "key" : "certificate"} (ECDSA ${curve})`],
      ["hashed", hashedAs(signed)],
    ]),
    ...paths("Left out", ignored, style),
    ...paths("Not covered: files of no bytes, which shards leave out", uncovered, style),
  ];
}

export function verifyText(report: VerifyReport, style: Style): string[] {
  const { inputs, holds, code, reason, detail, signedBy, signed, files } = report;
  const verdict = holds ? "signature holds" : `signature does not hold (${code})`;
  return [
    `${style.bold(verdict)}: ${escapeText(inputs.model.location)}`,
    ...(reason === null ? [] : [`  ${escapeText(reason)}`]),
    ...table([
      ["signature", escapeText(inputs.signature.location)],
      ["signed by", signedBy === null ? "not proven, so that nothing was held against it" : signerText(signedBy)],
      ...(signed === null
        ? []
        : [
            ["as", escapeText(signed.name)],
            ["digest", signed.digest],
            ["hashed", hashedAs(signed.serialization)],
          ]),
      ...(files === null
        ? []
        : [["as signed", `${formatCount(files.verified, "file")}, ${formatBytes(Number(files.bytes))} hashed`]]),
    ]),
    ...(files === null ? [] : differenceText(files, style)),
    ...section("What to do next", detail === null ? [] : [`  ${escapeText(detail)}`], style),
  ];
}

function differenceText(files: NonNullable<VerifyReport["files"]>, style: Style): string[] {
  const changed = files.changed.map(({ path, why }) => `  - ${escapeText(path)}: ${escapeText(why)}`);
  return [
    ...section("Changed", atMost(changed, SHOWN), style),
    ...paths("Missing", files.missing, style),
    ...paths("Not signed", files.unsigned, style),
    ...paths("Left out", files.ignored, style),
    ...paths("Not covered: files of no bytes, which shards leave out", files.uncovered, style),
  ];
}

function paths(heading: string, list: readonly string[], style: Style): string[] {
  const lines = list.map((path) => `  - ${escapeText(path)}`);
  return section(heading, atMost(lines, SHOWN), style);
}

/** Who signed, as far as it is proven. */
export function signerText(signedBy: NonNullable<VerifyReport["signedBy"]>): string {
  switch (signedBy.method) {
    case "key":
      return `the key ${signedBy.key}`;
    case "certificate":
      return `${escapeText(signedBy.subject)} (certificate of ${escapeText(signedBy.issuer)})`;
    case "sigstore":
      return `${escapeText(signedBy.identity)} (Sigstore, ${escapeText(signedBy.issuer)})`;
  }
}

function hashedAs({ hash, shardSize }: { readonly hash: string; readonly shardSize: number | null }): string {
  return shardSize === null ? `whole files, ${hash}` : `shards of ${shardSize} bytes, ${hash}`;
}
