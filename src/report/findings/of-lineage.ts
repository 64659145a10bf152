import { imageFigure, worstOf } from "../../lineage/image/words.ts";
import { LOG10_THRESHOLD } from "../../lineage/result.ts";
import { formatNumber } from "../numbers.ts";
import type { CompareReport, FingerprintReport, IdentifyReport } from "../schemas/index.ts";
import { type BaseMatch, type Fact, known, type ModelFinding, nothingOf, type Statement } from "./model-finding.ts";

type Input = CompareReport["inputs"]["suspect"];
type Comparison = NonNullable<IdentifyReport["comparison"]>;
type Candidate = IdentifyReport["candidates"][number];

/** What a comparison says of the suspect. */
export function ofCompare(report: CompareReport): ModelFinding {
  const { suspect, base } = report.inputs;
  const { verdict, direction, relations, log10P, claim, summary, caveats } = report;
  const match: BaseMatch = {
    ...{ name: nothingOf(base.location).name, verdict, direction, relations, log10P, claim },
    matchedLayers: null,
    basis: report.deep?.basis ?? null,
    input: base,
    isSameContent: suspect.contentRoot !== null && suspect.contentRoot === base.contentRoot,
    facts: pairFacts(report),
  };
  return {
    ...ofInput(suspect),
    ...{ verdict, summary, caveats, matches: [match] },
    statements: imageStatements(report, match.name),
  };
}

/** What `identify` says of the suspect: of all candidates that were tested, the full comparison of the first. */
export function ofIdentify(report: IdentifyReport): ModelFinding {
  const { verdict, summary, caveats, candidates, comparison, registry } = report;
  const [best] = candidates;
  return {
    ...ofInput(report.inputs.suspect),
    ...{ verdict, summary, caveats },
    matches: candidates.map((candidate) => ofCandidate(candidate, candidate === best ? comparison : null)),
    statements: comparison === null || best === undefined ? [] : imageStatements(comparison, best.name),
    facts: [...inputFacts(report.inputs.suspect), ["registry", registry.digest]],
  };
}

function ofCandidate(candidate: Candidate, comparison: Comparison | null): BaseMatch {
  const { name, verdict, direction, relations, log10P, matchedLayers, root } = candidate;
  const claim = candidate.claim ?? comparison?.claim;
  return {
    ...{ name, verdict, direction, relations, log10P, matchedLayers },
    ...(claim === undefined ? {} : { claim }),
    basis: candidate.basis ?? comparison?.deep?.basis ?? unsaidBasis(candidate),
    input: null,
    isSameContent: false,
    facts: [
      ...known([["registeredAsRoot", root ? "true" : null]]),
      ...(comparison === null ? [] : pairFacts(comparison)),
    ],
  };
}

/** Results of earlier versions do not say it: what claims training, and has a p that is too large for a claim, has none. */
function unsaidBasis({ verdict, log10P }: Candidate): "calibrated" | null {
  const isByTests = verdict === "derived" || verdict === "shared-init";
  return isByTests && log10P !== null && log10P > LOG10_THRESHOLD ? "calibrated" : null;
}

/** A model that a fingerprint was taken of. */
export function ofFingerprint({ inputs, fingerprint }: FingerprintReport): ModelFinding {
  const { model } = inputs;
  const dtypes = Object.entries(fingerprint.dtypes).map(([dtype, count]) => `${count} ${dtype}`);
  return {
    ...ofInput(model),
    caveats: fingerprint.notes,
    facts: [...inputFacts(model), ["tensors", String(fingerprint.tensors)], ["dtypes", dtypes.join(", ")]],
  };
}

function ofInput(input: Input): ModelFinding {
  const { location, revision, family, parameters, sampledRoot } = input;
  return {
    ...nothingOf(location),
    ...{ revision, family, parameters, sampledRoot },
    facts: inputFacts(input),
  };
}

export function inputFacts({ kind, depth, manifestRoot, contentRoot }: Input): Fact[] {
  return known([
    ["readFrom", kind],
    ["depth", depth],
    ["manifestRoot", manifestRoot],
    ["contentRoot", contentRoot],
  ]);
}

function pairFacts({ threshold, log10Tried, difference, deep, tests }: Comparison): Fact[] {
  const { loraRank, quantization, drift, frozenTensors, comparedTensors } = difference;
  const isCalibrated = deep?.basis === "calibrated";
  return known([
    ["log10Threshold", isCalibrated ? null : threshold],
    ["log10Tried", isCalibrated ? null : log10Tried],
    ["tests", tests.length],
    ["loraRank", loraRank],
    ["quantization", quantization],
    ["drift", drift === null ? null : formatNumber(drift)],
    ["equalMatrices", comparedTensors === 0 ? null : `${frozenTensors} of ${comparedTensors}`],
    ["moved", deep === undefined || deep.moved.length === 0 ? null : deep.moved.join(", ")],
  ]);
}

/** What was rounded, and how much of it the rounding reproduces: a comparison of values, not a test. */
function imageStatements({ image }: Comparison, base: string): Statement[] {
  if (image === undefined || image.nearest.blocks === 0) return [];
  const figure = imageFigure(image);
  const { scheme, requantised, nearest, worst, way, everywhere, whole, side, tensors } = image;
  const what =
    side === "suspect" ? `holds ${base} quantised to ${scheme}` : `is held by ${base} quantised to ${scheme}`;
  const part = whole ? "" : ", in what was compared; not all that both hold is an original and its image";
  return [
    {
      kind: "image",
      holds: true,
      code: null,
      text: `${what}: ${figure}${part}`,
      reason: `values were compared: ${worstOf(image)}`,
      isSaid: whole,
      facts: known([
        ["rounded", side],
        ["scheme", scheme],
        ["way", way],
        ["whole", String(whole)],
        ["everywhere", String(everywhere)],
        ["tensors", tensors],
        ["blocks", nearest.blocks],
        ["blocksOfNearestLevels", nearest.equal],
        ["blocksRequantised", requantised?.blocks],
        ["blocksRequantisedEqual", requantised?.equal],
        ["largestDistanceHalfSteps", worst.halfSteps],
        ["largestDistanceTensor", worst.tensor],
      ]),
      place: null,
    },
  ];
}
