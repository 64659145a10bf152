import type { ScanItem } from "../../scan/item.ts";
import { escapeText } from "../escape.ts";
import { locationUri } from "../scan/location-uri.ts";
import { pedigreeOf } from "./pedigree.ts";

const HUB = "https://huggingface.co";

/** org, name and commit of a repository that was pinned. */
const PINNED = /^hf:(?:([^/@]+)\/)?([^/@]+)@([0-9a-f]{40})$/;

/**
 * A model as a component. Its digests are properties, not `hashes`: they are over all weights of a model, and no file has
 * them, so that nobody who checks files against a BOM is misled.
 */
export function modelComponent(item: ScanItem, ref: string, endpoint: string): object {
  const [, group, name = item.name, commit] = PINNED.exec(item.location) ?? [];
  const version = commit ?? item.revision;
  const pedigree = pedigreeOf(item, ref);
  return {
    type: "machine-learning-model",
    "bom-ref": ref,
    ...(group === undefined ? {} : { group }),
    name,
    ...(version === null ? {} : { version }),
    ...(item.summary === null ? {} : { description: escapeText(item.summary) }),
    ...(commit === undefined ? {} : { purl: packageUrl(group, name, commit, endpoint) }),
    ...(pedigree === null ? {} : { pedigree }),
    externalReferences: [{ type: "distribution", url: locationUri(item.location) }],
    ...(item.family === null ? {} : { modelCard: { modelParameters: { architectureFamily: item.family } } }),
    properties: properties(item),
  };
}

/** The `huggingface` type of the package URL specification; other Hubs are a qualifier. */
function packageUrl(group: string | undefined, name: string, commit: string, endpoint: string): string {
  const path = [...(group === undefined ? [] : [group]), name].map(encodeURIComponent).join("/");
  const qualifier = endpoint === HUB ? "" : `?repository_url=${encodeURIComponent(endpoint)}`;
  return `pkg:huggingface/${path}@${commit}${qualifier}`;
}

function properties(item: ScanItem): object[] {
  const { verdict, sampledRoot, content, parameters, marks, duplicateOf, caveats } = item;
  const pairs: [string, string | null][] = [
    ["verdict", verdict],
    ["sampledRoot", sampledRoot],
    ["content", content],
    ["parameters", parameters === null ? null : String(parameters)],
    ["duplicateOf", duplicateOf],
    ...marks
      .filter(({ present }) => present)
      .map(({ keyId, level, log2P }): [string, string] => ["mark", `${keyId} ${level} p <= 2^${Math.ceil(log2P)}`]),
    ...caveats.map((caveat): [string, string] => ["caveat", caveat]),
  ];
  return pairs.flatMap(([name, value]) => (value === null ? [] : [{ name: `weightmark:${name}`, value }]));
}
