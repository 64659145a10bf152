import { toHex } from "../../fingerprint/hex.ts";
import { blake3 } from "../../kernels/blake3.ts";
import { escapeText } from "../escape.ts";
import { matchText } from "../findings/match-words.ts";
import type { BaseMatch, ModelFinding, Statement } from "../findings/model-finding.ts";
import { withoutNonFinite } from "../finite.ts";
import { type Accusing, isAccusing } from "../scan/finding.ts";
import { type ArtifactBase, artifactUri, locationUri } from "../scan/location-uri.ts";
import { meetsPolicy, type ScanPolicy } from "../scan/policy.ts";
import { CALIBRATED_RULE, type Level, MARK_RULE, type RuleId, ruleIndex, ruleLevel, SIGNATURE_RULE } from "./rules.ts";

/** What results depend on besides the item. */
export interface ResultContext extends ArtifactBase {
  readonly policies: readonly ScanPolicy[];
}

/**
 * result objects (SARIF 2.1.0, 3.27) of one model: one for its verdict if that accuses, one for every mark that is there, and
 * one for a signature that does not hold.
 */
export function resultsOf(model: ModelFinding, context: ResultContext): object[] {
  const found = model.marks.filter(({ present }) => present);
  const broken = model.statements.filter(({ kind, holds }) => kind === "signature" && !holds);
  return [
    ...(isAccusing(model.verdict) ? [verdictResult(model, model.verdict, context)] : []),
    ...found.map((mark) => markResult(model, mark, context)),
    ...broken.map((statement) => signatureResult(model, statement, context)),
  ];
}

function verdictResult(model: ModelFinding, verdict: Accusing, context: ResultContext): object {
  const { name, matches, caveats, statements } = model;
  const [best] = matches;
  const isCalibrated = best?.basis === "calibrated";
  const rule: RuleId = isCalibrated ? CALIBRATED_RULE : `weights-${verdict}`;
  const images = statements.filter(({ kind, isSaid }) => kind === "image" && !isSaid).map(({ text }) => `; ${text}`);
  const text =
    best === undefined
      ? (model.summary ?? rule)
      : `${escapeText(name)}: ${escapeText(matchText(best))}${escapeText(images.join(""))}${unread(model)}.`;
  const asked = !isCalibrated && meetsPolicy({ verdict, marks: [] }, context.policies);
  return result(model, context, rule, asked, text, best?.name ?? "", {
    verdict,
    ...(isCalibrated ? { basis: best.basis } : {}),
    log10P: isCalibrated ? null : (best?.log10P ?? null),
    direction: best?.direction ?? null,
    relations: best?.relations ?? [],
    matchedLayers: best?.matchedLayers ?? null,
    matches: matches.map(matchProperties),
    caveats,
  });
}

function matchProperties({ input, isSameContent, facts, basis, ...match }: BaseMatch): object {
  return {
    ...match,
    ...(basis === null ? {} : { basis }),
    // Of tests that were silent: it would look like that of the verdict.
    ...(basis === "calibrated" ? { log10P: null } : {}),
    ...(input === null ? {} : { location: exactLocation(input), sampledRoot: input.sampledRoot, isSameContent }),
    ...(facts.length === 0 ? {} : { facts: Object.fromEntries(facts) }),
  };
}

/** Who reads the message alone must not take a duplicate for a model that was tested. */
function unread({ duplicateOf }: ModelFinding): string {
  return duplicateOf === null ? "" : `, as found of ${escapeText(duplicateOf)}, whose content it is listed with`;
}

function markResult(model: ModelFinding, mark: ModelFinding["marks"][number], context: ResultContext): object {
  const { keyId, level, log2P, payload } = mark;
  const chance = log2P === null ? "p not available" : `p <= 2^${Math.ceil(log2P)}`;
  const text = `${escapeText(model.name)}: carries the mark of key ${escapeText(keyId)} (${level}, ${chance}).`;
  return result(model, context, MARK_RULE, context.policies.includes("mark"), text, keyId, {
    keyId,
    level,
    log2P,
    log10P: log2P === null ? null : log2P * Math.log10(2),
    payload,
  });
}

function signatureResult(model: ModelFinding, statement: Statement, context: ResultContext): object {
  const { code, text, reason, facts, place } = statement;
  const said = `${escapeText(model.name)}: ${escapeText(text)}: ${escapeText(reason)}${code === null ? "" : ` (${code})`}.`;
  return result(model, context, SIGNATURE_RULE, false, said, `${place ?? ""} ${code ?? ""}`, {
    code,
    signature: place === null ? null : exactLocation({ location: place }),
    facts: Object.fromEntries(facts),
  });
}

function result(
  model: ModelFinding,
  base: ArtifactBase,
  rule: RuleId,
  asked: boolean,
  text: string,
  whose: string,
  properties: object,
): object {
  const level: Level = asked ? "error" : ruleLevel(rule);
  const { sampledRoot, content, id, revision, family, parameters, duplicateOf } = model;
  const about = { location: exactLocation(model), revision, family, parameters, duplicateOf };
  // Of the weights and the finding, not of the place: the same weights elsewhere are the same finding to anyone who matches
  // results between runs. What was read of the model decides; its name only where nothing else is known.
  const weights = sampledRoot ?? content ?? digestOf([id]);
  const finding = digestOf([rule, weights, whose]);
  return {
    ruleId: rule,
    ruleIndex: ruleIndex(rule),
    level,
    message: { text: messageText(text) },
    locations: [itemLocation(model, base)],
    partialFingerprints: {
      "weights/v1": weights,
      "finding/v1": finding,
      // The one name that GitHub looks at, in its form: a hash of 64 bits and which of its occurrences this is.
      primaryLocationLineHash: `${finding.slice(0, 16)}:1`,
    },
    properties: withoutNonFinite({ ...properties, ...about }).value,
  };
}

/** The location as it was read, which its artifact may not tell; of addresses without what may be secret. */
export function exactLocation({ location }: Pick<ModelFinding, "location">): string | null {
  if (location === null) return null;
  return /^https?:/i.test(location) ? locationUri(location) : location;
}

/** Where an item lies, as a physical and a logical location (3.28). */
export function itemLocation({ location, name }: Pick<ModelFinding, "location" | "name">, base: ArtifactBase): object {
  return {
    ...(location === null ? {} : { physicalLocation: { artifactLocation: { uri: artifactUri(location, base) } } }),
    logicalLocations: [{ fullyQualifiedName: name, kind: "resource" }],
  };
}

/**
 * Text as a plain message: braces are doubled (3.11.5), and nothing of a hostile name can become a link (3.11.6, CWE-79).
 */
export function messageText(text: string): string {
  return text.replaceAll("{", "{{").replaceAll("}", "}}").replaceAll("](", "] (");
}

function digestOf(parts: readonly string[]): string {
  return toHex(blake3(new TextEncoder().encode(JSON.stringify(parts))));
}
