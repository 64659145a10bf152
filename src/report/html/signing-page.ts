import { formatBytes, formatCount } from "../numbers.ts";
import type { SignReport, VerifyReport } from "../schemas/index.ts";
import { atMost, facts, hashText, list, moreText, paragraph, section, table } from "./blocks.ts";
import { againSection, commandLine } from "./inputs.ts";
import { type Html, html, named, type Part } from "./markup.ts";
import { banner } from "./verdict.ts";

const MOST_ROWS = 200;
const UNCOVERED = "Not covered: files of no bytes, which a signature of pieces leaves out";

export function signPage({ inputs, output, signed }: SignReport): Html {
  const { method, curve, name, digest, files, bytes, ignored, uncovered } = signed;
  const sentence = `${inputs.model.location} was signed: ${formatCount(files, "file")}, ${formatBytes(Number(bytes))}.`;
  return html`${banner({ word: "Signed", sentence, claim: false, paragraphs: [WHAT_IT_SAYS] })}${section(
    "The signature",
    facts([
      ["File", named(output.location)],
      ["Name of the model", named(name)],
      ["Digest of the model (SHA-256)", hashText(digest)],
      ["Made with", `a ${method === "key" ? "key" : "certificate"} (ECDSA ${curve})`],
      ["Hashed", hashedAs(signed)],
    ]),
    pathsText("Left out", ignored),
    pathsText(UNCOVERED, uncovered),
  )}${againSection(commandLine("sign", { "private-key": "KEYFILE" }, [inputs.model.location]), "KEYFILE is the private key of the signer.")}`;
}

/** Who signed a model, and whether its files are those that were signed. */
export function signaturePage(report: VerifyReport): Html {
  const { inputs, holds, code, reason, detail, signedBy, signed, files } = report;
  const sentence = holds
    ? `The files of ${inputs.model.location} are those that ${signedBy === null ? "somebody" : signerText(signedBy)} signed.`
    : `The signature of ${inputs.model.location} does not hold: ${reason ?? code}.`;
  const paragraphs: Part[] = holds ? [WHAT_IT_SAYS] : [detail, WHAT_IT_SAYS];
  return html`${banner({ word: holds ? "Signature holds" : "Signature does not hold", sentence, claim: !holds, paragraphs })}${section(
    "The signature",
    facts([
      ["File", named(inputs.signature.location)],
      ["Code", code],
      [
        "Signed by",
        signedBy === null ? "not proven, so that nothing was held against it" : named(signerText(signedBy)),
      ],
      ["Name of the model", signed === null ? null : named(signed.name)],
      ["Digest of the model (SHA-256)", hashText(signed?.digest ?? null)],
      ["Hashed", signed === null ? null : hashedAs(signed.serialization)],
      [
        "As signed",
        files === null ? null : `${formatCount(files.verified, "file")}, ${formatBytes(Number(files.bytes))} hashed`,
      ],
    ]),
    ...(files === null ? [] : differences(files)),
  )}${againSection(
    commandLine("verify", { signature: "SIGNATURE" }, [inputs.model.location]),
    "Name the signature, and the public key, the roots or the signer that you trust: none of them comes from the signature itself.",
  )}`;
}

const WHAT_IT_SAYS =
  "A signature says which files a model has, and proves who says so. It says nothing of where the weights come from.";

function differences(files: NonNullable<VerifyReport["files"]>): (Html | null)[] {
  const { shown, more } = atMost(files.changed, MOST_ROWS);
  return [
    table(
      "Changed",
      [{ head: "File", kind: "wide" }, { head: "How" }],
      shown.map(({ path, why }) => [named(path), why]),
    ),
    moreText(more),
    pathsText("Missing", files.missing),
    pathsText("Not signed", files.unsigned),
    pathsText("Left out", files.ignored),
    pathsText(UNCOVERED, files.uncovered),
  ];
}

function pathsText(heading: string, paths: readonly string[]): Html | null {
  if (paths.length === 0) return null;
  const { shown, more } = atMost(paths, MOST_ROWS);
  return html`${paragraph(`${heading}:`)}${list(shown.map(named))}${moreText(more)}`;
}

/** Who signed, as far as it is proven. */
export function signerText(signedBy: NonNullable<VerifyReport["signedBy"]>): string {
  switch (signedBy.method) {
    case "key":
      return `the key ${signedBy.key}`;
    case "certificate":
      return `${signedBy.subject} (certificate of ${signedBy.issuer})`;
    case "sigstore":
      return `${signedBy.identity} (Sigstore, ${signedBy.issuer})`;
  }
}

function hashedAs({ hash, shardSize }: { readonly hash: string; readonly shardSize: number | null }): string {
  return shardSize === null ? `whole files, ${hash}` : `pieces of ${shardSize} bytes, ${hash}`;
}
