import { caveatsOf, type ScanItem } from "../../scan/item.ts";
import { escapeText } from "../escape.ts";
import { locationUri } from "../scan/location-uri.ts";
import { pedigreeOf } from "./pedigree.ts";

const HUB = "https://huggingface.co";

/** org, name, commit and path of a model that was pinned. */
const PINNED = /^hf:(?:([^/@]+)\/)?([^/@]+)@([0-9a-f]{40})(?:\/(.+))?$/s;

/**
 * A model as a component. Its digests are properties, not `hashes`: they are over all weights of a model, and no file has
 * them, so that nobody who checks files against a BOM is misled.
 */
export function modelComponent(item: ScanItem, ref: string, endpoint: string): object {
  const [, group, repository, commit, path] = PINNED.exec(item.location) ?? [];
  const version = commit ?? item.revision;
  const pedigree = pedigreeOf(item, ref);
  return {
    type: "machine-learning-model",
    "bom-ref": ref,
    ...(group === undefined ? {} : { group }),
    name: repository === undefined ? item.name : [repository, ...(path === undefined ? [] : [path])].join("/"),
    ...(version === null ? {} : { version }),
    ...(item.summary === null ? {} : { description: escapeText(item.summary) }),
    ...(commit === undefined ? {} : { purl: packageUrl([group, repository], commit, path, endpoint) }),
    ...(pedigree === null ? {} : { pedigree }),
    externalReferences: [{ type: "distribution", url: locationUri(item.location) }],
    ...(item.family === null ? {} : { modelCard: { modelParameters: { architectureFamily: item.family } } }),
    properties: properties(item),
  };
}

/** The `huggingface` type of the package URL specification; other Hubs are a qualifier, folders and files the subpath. */
function packageUrl(
  id: readonly (string | undefined)[],
  commit: string,
  path: string | undefined,
  endpoint: string,
): string {
  const encoded = (parts: readonly string[]) => parts.map(encodeURIComponent).join("/");
  const name = encoded(id.filter((part) => part !== undefined));
  const qualifier = endpoint === HUB ? "" : `?repository_url=${encodeURIComponent(endpoint)}`;
  return `pkg:huggingface/${name}@${commit}${qualifier}${path === undefined ? "" : `#${encoded(path.split("/"))}`}`;
}

function properties(item: ScanItem): object[] {
  const { verdict, sampledRoot, content, parameters, marks, duplicateOf } = item;
  const pairs: [string, string | null][] = [
    ["verdict", verdict],
    ["sampledRoot", sampledRoot],
    ["content", content],
    ["parameters", parameters === null ? null : String(parameters)],
    ["duplicateOf", duplicateOf],
    ...marks
      .filter(({ present }) => present)
      .map(({ keyId, level, log2P }): [string, string] => ["mark", `${keyId} ${level} p <= 2^${Math.ceil(log2P)}`]),
    ...caveatsOf(item).map((caveat): [string, string] => ["caveat", caveat]),
  ];
  return pairs.flatMap(([name, value]) => (value === null ? [] : [{ name: `weightmark:${name}`, value }]));
}
