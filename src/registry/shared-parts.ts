import { WeightmarkError } from "../errors.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { layerCodes } from "../fingerprint/layer-codes.ts";
import type { CandidateSource } from "../lineage/candidate-source.ts";
import type { Part } from "../lineage/part.ts";
import { unsound } from "../lineage/ranked-bases.ts";
import { isMain, type Stack, stacksOf } from "../lineage/stack.ts";
import { type ComponentContent, componentContents, contentIndex } from "./content-index.ts";

/** Entries looked into: the ones whose codes come closest, as equal components make them. */
const MOST_ENTRIES = 8;

/** A part that was found by its content. */
export interface FoundPart extends Part {
  /** Name of the entry that holds it, opaque and hostile. */
  readonly holder: string;
}

/** What a model shares, value for value, with registered ones. */
export interface SharedParts {
  /** Components that registered models have too, by component. */
  readonly parts: readonly FoundPart[];
  /** Names of entries that hold every component of the model: copies of it, or larger models that contain it. */
  readonly containers: readonly string[];
  /** Names of entries that came close and could not be read. */
  readonly unread: readonly string[];
}

/**
 * Looks for components of a model in the registered models closest to it. Of an entry that holds all of the model nothing
 * is recorded: a copy is not a part, and a model that a larger one was built on is no part of that.
 *
 * @param own digest and name that the model will be registered under: what these name is about to be replaced
 */
export async function findSharedParts(
  registry: CandidateSource,
  fingerprint: Fingerprint,
  own: { readonly digest: string; readonly name: string },
): Promise<SharedParts> {
  const found = new Map<string, FoundPart>();
  const containers: string[] = [];
  const unread: string[] = [];
  const mine = componentContents(fingerprint);
  const ranked = registry.entries === 0 ? [] : await registry.candidates(layerCodes(fingerprint), MOST_ENTRIES);
  for (const { digest, name, parts = [] } of ranked) {
    if (digest === own.digest || name === own.name) continue;
    const other = await registry.load(digest).catch(unsound);
    if (other instanceof WeightmarkError) {
      unread.push(name);
      continue;
    }
    const shared = pairsOf(mine, componentContents(other));
    if (mine.size > 0 && (shared.size === mine.size || isContained(fingerprint, other, shared))) containers.push(name);
    else {
      for (const [component, there] of shared) {
        // What that model has from another entry, this one has from there as well.
        const of = parts.find((part) => part.component === there)?.of ?? digest;
        if (!found.has(component) && of !== own.digest) found.set(component, { component, of, holder: name });
      }
    }
  }
  const parts = [...found.values()].sort((a, b) => (a.component < b.component ? -1 : 1));
  return { parts, containers, unread };
}

/**
 * Whether all main stacks of a model lie in a larger one; what stands beside them (a table, a projection) may be laid otherwise
 * there.
 */
function isContained(fingerprint: Fingerprint, other: Fingerprint, shared: ReadonlyMap<string, string>): boolean {
  const [own, theirs] = [stacksOf(fingerprint), stacksOf(other)];
  const size = (stacks: readonly Stack[]): number => stacks.reduce((sum, { parameters }) => sum + parameters, 0);
  const main = own.filter((stack) => isMain(stack, own));
  return main.length > 0 && size(theirs) > size(own) && main.every(({ name }) => shared.has(name));
}

/** Components of one model with the component of the other that holds the same. */
function pairsOf(
  mine: ReadonlyMap<string, ComponentContent>,
  theirs: ReadonlyMap<string, ComponentContent>,
): Map<string, string> {
  const pairs = new Map<string, string>();
  const find = contentIndex(theirs);
  for (const [component, content] of mine) {
    const there = find(content);
    if (there !== undefined) pairs.set(component, there);
  }
  return pairs;
}
