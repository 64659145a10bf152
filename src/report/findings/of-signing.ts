import type { CommitReport, SignReport, VerifyReport } from "../schemas/index.ts";
import { known, type ModelFinding, nothingOf } from "./model-finding.ts";

/** A model that was signed. Whoever reads of it has to verify it: that it was written proves nothing to them. */
export function ofSign({ inputs, output, signed }: SignReport): ModelFinding {
  const { method, curve, name, digest, hash, files, resources, bytes, ignored, uncovered } = signed;
  return {
    ...nothingOf(inputs.model.location),
    statements: [
      {
        kind: "signature",
        holds: true,
        code: null,
        text: "was signed by OpenSSF Model Signing v1.0",
        reason: "this says that the signature was written, not that it was verified",
        facts: known([
          ["method", method],
          ["curve", curve],
          ["signedName", name],
          ["signedDigestSha256", digest],
          ["hash", hash],
          ["files", files],
          ["resources", resources],
          ["bytes", bytes],
          ["ignored", ignored.length],
          ["uncovered", uncovered.length],
        ]),
        place: output.location,
      },
    ],
  };
}

/** A model whose signature was looked at, whether it holds or not. */
export function ofSignature(report: VerifyReport): ModelFinding {
  const { inputs, holds, code, reason, signedBy, signed, files } = report;
  const text = holds
    ? `carries a signature by OpenSSF Model Signing v1.0 that holds, by ${signerOf(signedBy)}`
    : signedBy === null
      ? "has a signature by OpenSSF Model Signing v1.0 that proves nothing"
      : "is not what was signed by OpenSSF Model Signing v1.0";
  return {
    ...nothingOf(inputs.model.location),
    statements: [
      {
        kind: "signature",
        holds,
        code,
        text,
        reason: holds ? verifiedText(files) : (reason ?? "the signature does not hold"),
        facts: known([
          ["code", code],
          ["signedBy", signedBy === null ? null : signerOf(signedBy)],
          ["signedName", signed?.name],
          ["signedDigestSha256", signed?.digest],
          ["hash", signed?.serialization.hash],
          ["files", files?.verified],
          ["changed", files?.changed.length],
          ["missing", files?.missing.length],
          ["unsigned", files?.unsigned.length],
          ["ignored", files?.ignored.length],
          ["uncovered", files?.uncovered.length],
        ]),
        place: inputs.signature.location,
      },
    ],
  };
}

/** Files that a signature leaves out are there all the same: who reads that it holds must hear of them. */
function verifiedText(files: VerifyReport["files"]): string {
  const { unsigned = [], ignored = [], uncovered = [] } = files ?? {};
  const left = unsigned.length + ignored.length + uncovered.length;
  const but = left === 0 ? "" : `; ${left} files or directories that are there are not covered by it`;
  return `the signature, who signed, and the digests of all files that were signed were verified${but}`;
}

function signerOf(signedBy: VerifyReport["signedBy"]): string {
  switch (signedBy?.method) {
    case "key":
      return `key ${signedBy.key}`;
    case "certificate":
      return `certificate ${signedBy.fingerprint} of ${signedBy.subject}`;
    case "sigstore":
      return `${signedBy.identity}, as ${signedBy.issuer} says`;
    case undefined:
      return "nobody";
  }
}

/**
 * The marked copy of a release that a commitment is to. Of it nothing is known but salted digests: its place in the document is
 * the release's name.
 */
export function ofCommit(report: CommitReport): ModelFinding {
  const { action, location, digest, statement, time, checked, caveats } = report;
  const { key, model, mark } = statement;
  return {
    ...nothingOf(location),
    name: key.release,
    location: null,
    caveats,
    statements: [
      {
        kind: "commitment",
        holds: true,
        code: null,
        text: `is what key ${key.id} was committed to`,
        reason: `${time.sentence}${action === "verify" && checked.length > 0 ? `; held against it: ${checked.join(", ")}` : ""}`,
        facts: known([
          ["digestSha256", digest],
          ["keyId", key.id],
          ["keyRootSha256", key.root],
          ["publicKeyEd25519", key.publicKey],
          ["layers", model.layers],
          ["markedSaltedSha256", model.marked],
          ["unmarkedSaltedSha256", model.unmarked],
          ["mode", mark.mode],
          ["carriers", mark.carriers.join(", ")],
          ["committedBy", time.by],
          ["order", time.order],
          ...time.timestamps.map(({ time: at, authority, trusted }) => {
            const whose = trusted ? "" : ", leads to no root that was given";
            return ["timestamp", `${at} by ${authority}${whose}`] as const;
          }),
        ]),
        place: location,
      },
    ],
  };
}
