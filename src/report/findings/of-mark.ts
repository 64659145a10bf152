import type { WatermarkEmbedReport, WatermarkVerifyReport } from "../schemas/index.ts";
import { known, type ModelFinding, nothingOf } from "./model-finding.ts";

/** A model that a mark was looked for in. */
export function ofMark(report: WatermarkVerifyReport): ModelFinding {
  const { inputs, keyId, level, present, log2P, payload, caveats, commitment, release, mode } = report;
  const finding: ModelFinding = {
    ...nothingOf(inputs.model.location),
    caveats,
    marks: [{ keyId, level, present, log2P, payload: payload?.hex ?? null }],
    facts: known([
      ["markRelease", release],
      ["markMode", mode],
      ["log2Tried", report.log2Tried],
      ["baseSampledRoot", inputs.base?.digest],
    ]),
  };
  if (commitment === undefined) return finding;
  const { location, digest, time } = commitment;
  return {
    ...finding,
    statements: [
      {
        kind: "commitment",
        holds: true,
        code: null,
        text: present
          ? `carries the mark of key ${keyId}, which was committed`
          : `shows no mark of the committed key ${keyId}`,
        reason: time.sentence,
        facts: known([
          ["digestSha256", digest],
          ["committedBy", time.by],
          ["firstSeen", time.firstSeen],
          ["order", time.order],
          ["opened", commitment.opened === null ? null : commitment.opened.layers.length],
        ]),
        place: location,
      },
    ],
  };
}

/** The copy that a mark was written into: that it can be read there is for verification to say. */
export function ofEmbed({ output, keyId, release, mode, caveats, inputs }: WatermarkEmbedReport): ModelFinding {
  return {
    ...nothingOf(output.directory),
    caveats,
    facts: known([
      ["embeddedMarkOfKey", keyId],
      ["markRelease", release],
      ["markMode", mode],
      ["markedFrom", inputs.model.location],
    ]),
  };
}
