import { WeightmarkError } from "../../errors.ts";
import { pathProblem } from "../shard-name.ts";
import { isRepositoryId } from "./repository-id.ts";

/** What `hf:org/name[@revision][/path]` names. */
export interface HubLocation {
  readonly id: string;
  /** Branch, tag, commit or reference such as "refs/pr/1"; null for the default branch. */
  readonly revision: string | null;
  /** Folder or file below the root of the repository, "" for the root. */
  readonly path: string;
}

export const HUB_PREFIX = "hf:";
const MAX_LENGTH = 1024;
/** Revisions with a "/" that are known by their form; in others it is written "%2F", as the Hub's own clients do. */
const SPECIAL_REVISION = /^refs\/(?:pr\/\d+|convert\/\w+)(?=\/|$)/;

function invalid(location: string, why: string): WeightmarkError {
  const file = location.length > MAX_LENGTH ? `${location.slice(0, 80)}...` : location;
  const meant = probablyMeant(location);
  const general = "Write hf:org/name, hf:org/name@revision or hf:org/name@revision/folder; a / in a revision is %2F.";
  const detail = meant === null ? general : `Write ${meant}.`;
  return new WeightmarkError("HUB_NAME_INVALID", `not a repository of the Hub: ${why}`, { file, detail });
}

/** What other tools let one write for `hf:org/name`: an address, "hf://", "models/", an encoded slash. */
const OTHERWISE = /^hf:(?:https?:)?(?:\/\/)?(?:(?:www\.)?(?:huggingface\.co|hf\.co)\/)?([^/@]+)(?:\/|%2f)([^/@]+)$/iu;

function probablyMeant(location: string): string | null {
  const [, owner, name] = OTHERWISE.exec(location) ?? [];
  const meant = `${owner}/${name}`;
  return owner !== undefined && isRepositoryId(meant) && location !== HUB_PREFIX + meant ? HUB_PREFIX + meant : null;
}

/** What git lets a reference be called, or null. Revisions become parts of addresses and of paths in a cache. */
function revisionProblem(revision: string): string | null {
  if (revision === "") return "the revision is empty";
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}\s~^:?*[\]\\%]/u.test(revision) || revision.includes("@{")) {
    return "the revision holds characters that no git reference has";
  }
  const bad = revision.split("/").some((part) => part === "" || part.startsWith(".") || part.endsWith("."));
  return bad || revision.includes("..") ? "the revision is no git reference" : null;
}

/** @throws HUB_NAME_INVALID */
export function checkRevision(revision: string, location: string): void {
  const problem = revisionProblem(revision);
  if (problem !== null) throw invalid(location, problem);
}

function decoded(text: string, location: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(location, "the revision is wrongly percent-encoded");
  }
}

/**
 * Reads `hf:org/name[@revision][/path]`.
 *
 * @throws HUB_NAME_INVALID
 */
export function parseHubLocation(location: string): HubLocation {
  if (location.length > MAX_LENGTH) throw invalid(location, `longer than ${MAX_LENGTH} characters`);
  const [, id, after] = /^hf:([^/@]+\/[^/@]+)(.*)$/su.exec(location) ?? [];
  if (id === undefined || after === undefined || !isRepositoryId(id)) {
    throw invalid(location, "the name is not one that the Hub gives out");
  }
  let revision: string | null = null;
  let path = after;
  if (after.startsWith("@")) {
    const rest = after.slice(1);
    const written = SPECIAL_REVISION.exec(rest)?.[0] ?? rest.split("/", 1)[0]!;
    revision = decoded(written, location);
    checkRevision(revision, location);
    path = rest.slice(written.length);
  }
  path = path.replace(/^\//, "").replace(/\/$/, "");
  const problem = path === "" ? null : pathProblem(path);
  if (problem !== null) throw invalid(location, `the path below it ${problem}`);
  return { id, revision, path };
}

/** The location that names exactly this commit, whatever happens to branches. */
export function pinnedLocation(id: string, commit: string, path = ""): string {
  return `${HUB_PREFIX}${id}@${commit}${path === "" ? "" : `/${path}`}`;
}

export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}
