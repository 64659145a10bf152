import { verdictText } from "../findings/match-words.ts";
import type { ModelFinding, Statement } from "../findings/model-finding.ts";
import { locationUri } from "../scan/location-uri.ts";
import type { BomSource } from "./bom-source.ts";
import { pedigreeOf } from "./pedigree.ts";
import { property, shown, versionText } from "./property.ts";

const HUB = "https://huggingface.co";

/** org, name, commit and path of a model that was pinned. */
const PINNED = /^hf:(?:([^/@]+)\/)?([^/@]+)@([0-9a-f]{40})(?:\/(.+))?$/s;

/**
 * A model as a component. Its digests are properties, not `hashes`: they are over all weights of a model, and no file has
 * them, so that nobody who checks files against a BOM is misled.
 */
export function modelComponent(
  model: ModelFinding,
  ref: string,
  { endpoint, versions }: Pick<BomSource, "endpoint" | "versions">,
): object {
  const { location, family, files, statements, summary } = model;
  const [, group, repository, commit, path] = PINNED.exec(location ?? "") ?? [];
  const version = commit ?? model.revision;
  const pedigree = pedigreeOf(model, ref, versions.length === 1 ? versions[0] : undefined);
  const places = location === null ? [] : [{ type: "distribution", url: locationUri(location) }];
  const references = [...places, ...statements.flatMap(reference)];
  return {
    type: "machine-learning-model",
    "bom-ref": ref,
    ...(group === undefined ? {} : { group }),
    name: repository === undefined ? model.name : [repository, ...(path === undefined ? [] : [path])].join("/"),
    ...(version === null ? {} : { version: versionText(version) }),
    ...(summary === null ? {} : { description: shown(summary) }),
    ...(commit === undefined || endpoint === null
      ? {}
      : { purl: packageUrl([group, repository], commit, path, endpoint) }),
    ...(pedigree === null ? {} : { pedigree }),
    ...(references.length === 0 ? {} : { externalReferences: references }),
    ...(files.length === 0 ? {} : { components: files.map((file, i) => fileComponent(file, `${ref}/file-${i + 1}`)) }),
    ...(family === null ? {} : { modelCard: { modelParameters: { architectureFamily: family } } }),
    properties: properties(model),
  };
}

function fileComponent({ path, facts }: ModelFinding["files"][number], ref: string): object {
  return {
    type: "file",
    "bom-ref": ref,
    name: path,
    properties: facts.map(([name, value]) => property(name, value)),
  };
}

/** The file of a signature or of a commitment, with what came of it. */
function reference({ kind, place, text, holds, code }: Statement): object[] {
  if (place === null) return [];
  const outcome = holds ? text : `${text}${code === null ? "" : ` (${code})`}`;
  const type = kind === "signature" ? "digital-signature" : "attestation";
  return [{ type, url: locationUri(place), comment: shown(outcome) }];
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

function properties(model: ModelFinding): object[] {
  const { verdict, matches, sampledRoot, content, parameters, marks, duplicateOf, facts, caveats } = model;
  const pairs: (readonly [string, string | null])[] = [
    ["verdict", verdict === null ? null : verdictText({ verdict, basis: matches[0]?.basis ?? null })],
    ["sampledRoot", sampledRoot],
    ["content", content],
    ["parameters", parameters],
    ["duplicateOf", duplicateOf],
    ...facts,
    ...marks.map(({ keyId, level, present, log2P }): [string, string] => {
      const found = log2P === null ? `${keyId} ${level}` : `${keyId} ${level} p <= 2^${Math.ceil(log2P)}`;
      return present ? ["mark", found] : ["markLookedFor", `${keyId} not found`];
    }),
    ...caveats.map((caveat): [string, string] => ["caveat", caveat]),
  ];
  return pairs.flatMap(([name, value]) => (value === null ? [] : [property(name, value)]));
}
