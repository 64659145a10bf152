import { toHex } from "../../fingerprint/hex.ts";
import { blake3 } from "../../kernels/blake3.ts";
import { caveatsOf, type ScanItem, type ScanMark } from "../../scan/item.ts";
import { escapeText } from "../escape.ts";
import { withoutNonFinite } from "../finite.ts";
import { formatP } from "../numbers.ts";
import { isAccusing, relationText } from "../scan/finding.ts";
import { type ArtifactBase, artifactUri, locationUri } from "../scan/location-uri.ts";
import { meetsPolicy, type ScanPolicy } from "../scan/policy.ts";
import { type Level, MARK_RULE, type RuleId, ruleIndex, ruleLevel } from "./rules.ts";

/** What results depend on besides the item. */
export interface ResultContext extends ArtifactBase {
  readonly policies: readonly ScanPolicy[];
}

/** result objects (SARIF 2.1.0, 3.27) of one item: one for its verdict if that accuses, one for every mark that is there. */
export function resultsOf(item: ScanItem, context: ResultContext): object[] {
  const found = item.marks.filter(({ present }) => present);
  const results = found.map((mark) => markResult(item, mark, context));
  if (isAccusing(item.verdict)) results.unshift(verdictResult(item, `weights-${item.verdict}`, context));
  return results;
}

function verdictResult(item: ScanItem, rule: RuleId, context: ResultContext): object {
  const { name, verdict, matches } = item;
  const [best] = matches;
  const text =
    best === undefined
      ? (item.summary ?? rule)
      : `${escapeText(name)}: ${relationText(best)} (${formatP(best.log10P)})${unread(item)}.`;
  const asked = meetsPolicy({ verdict, marks: [] }, context.policies);
  return result(item, context, rule, asked, text, best?.name ?? "", {
    verdict,
    log10P: best?.log10P ?? null,
    direction: best?.direction ?? null,
    relations: best?.relations ?? [],
    matchedLayers: best?.matchedLayers ?? null,
    matches,
    caveats: caveatsOf(item),
  });
}

/** Who reads the message alone must not take a duplicate for a model that was tested. */
function unread({ duplicateOf }: ScanItem): string {
  return duplicateOf === null ? "" : `, as found of ${escapeText(duplicateOf)}, whose content it is listed with`;
}

function markResult(item: ScanItem, mark: ScanMark, context: ResultContext): object {
  const { keyId, level, log2P, payload } = mark;
  const text = `${escapeText(item.name)}: carries the mark of key ${escapeText(keyId)} (${level}, p <= 2^${Math.ceil(log2P)}).`;
  return result(item, context, MARK_RULE, context.policies.includes("mark"), text, keyId, {
    keyId,
    level,
    log2P,
    log10P: log2P * Math.log10(2),
    payload,
  });
}

function result(
  item: ScanItem,
  base: ArtifactBase,
  rule: RuleId,
  asked: boolean,
  text: string,
  whose: string,
  properties: object,
): object {
  const level: Level = asked ? "error" : ruleLevel(rule);
  const { sampledRoot, content, id, revision, family, parameters, duplicateOf } = item;
  const about = {
    location: exactLocation(item),
    revision,
    family,
    parameters: parameters === null ? null : String(parameters),
    duplicateOf,
  };
  // Of the weights and the finding, not of the place: the same weights elsewhere are the same finding to anyone who matches
  // results between runs. What was read of the model decides; its name only where nothing else is known.
  const weights = sampledRoot ?? content ?? digestOf([id]);
  const finding = digestOf([rule, weights, whose]);
  return {
    ruleId: rule,
    ruleIndex: ruleIndex(rule),
    level,
    message: { text: messageText(text) },
    locations: [itemLocation(item, base)],
    partialFingerprints: {
      "weights/v1": weights,
      "finding/v1": finding,
      // The one name that GitHub looks at, in its form: a hash of 64 bits and which of its occurrences this is.
      primaryLocationLineHash: `${finding.slice(0, 16)}:1`,
    },
    properties: withoutNonFinite({ ...properties, ...about }).value,
  };
}

/** The location as it was scanned, which its artifact may not tell; of addresses without what may be secret. */
export function exactLocation({ location }: Pick<ScanItem, "location">): string {
  return /^https?:/i.test(location) ? locationUri(location) : location;
}

/** Where an item lies, as a physical and a logical location (3.28). */
export function itemLocation({ location, name }: Pick<ScanItem, "location" | "name">, base: ArtifactBase): object {
  return {
    physicalLocation: { artifactLocation: { uri: artifactUri(location, base) } },
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
