import type { CompareReport, ScanItemReport } from "../schemas/index.ts";

type Verdict = ScanItemReport["verdict"];
type Match = ScanItemReport["matches"][number];
type Input = CompareReport["inputs"]["base"];

/** A base that a model was held against, as any result tells of it. */
export interface BaseMatch extends Omit<Match, "matchedLayers"> {
  /** Null where the result tells layers one by one. */
  readonly matchedLayers: number | null;
  /** Null where nothing was asked that could rest on anything but p-values and values. */
  readonly basis: "exact" | "calibrated" | null;
  /** The base itself, where the result names it as an input. */
  readonly input: Input | null;
  /** Whether all stored values of both were read and are the same, by their digests. */
  readonly isSameContent: boolean;
  /** What else is known of the pair, each with a name. */
  readonly facts: readonly Fact[];
}

export type Fact = readonly [name: string, value: string];

/** What a result says of a model besides where its weights come from. */
export interface Statement {
  readonly kind: "signature" | "commitment" | "image";
  /** False where it was looked for and does not hold. */
  readonly holds: boolean;
  /** Why it does not: one of the error codes. */
  readonly code: string | null;
  /** To be said after the model's name. */
  readonly text: string;
  readonly reason: string;
  readonly facts: readonly Fact[];
  /** Whether what is claimed of the best base says it as well. @default false */
  readonly isSaid?: boolean;
  /** The file that holds the signature or the commitment; null for none. */
  readonly place: string | null;
}

/** What one result says of one model: what documents in other formats are made of. */
export interface ModelFinding
  extends Pick<
    ScanItemReport,
    | "id"
    | "name"
    | "revision"
    | "duplicateOf"
    | "summary"
    | "caveats"
    | "marks"
    | "content"
    | "sampledRoot"
    | "family"
    | "parameters"
  > {
  /** Where it lies; null for a model that is known by a commitment alone. */
  readonly location: string | null;
  readonly verdict: Verdict;
  readonly matches: readonly BaseMatch[];
  readonly statements: readonly Statement[];
  /** Weight files of the model, where the result lists them. */
  readonly files: readonly { readonly path: string; readonly facts: readonly Fact[] }[];
  readonly facts: readonly Fact[];
}

/** A finding that says nothing yet of the model at a location. */
export function nothingOf(location: string): ModelFinding & { readonly location: string } {
  return {
    id: location,
    name: nameOf(location),
    location,
    revision: null,
    duplicateOf: null,
    summary: null,
    caveats: [],
    marks: [],
    content: null,
    sampledRoot: null,
    family: null,
    parameters: null,
    verdict: null,
    matches: [],
    statements: [],
    files: [],
    facts: [],
  };
}

/** The last part of a location, or a repository's name. Results come from other machines: nothing is looked for on this one. */
function nameOf(location: string): string {
  if (location.startsWith("hf:")) return location.slice(3).replace(/@[^/]*(?=\/|$)/, "");
  return location.split(/[/\\]/).findLast((part) => part !== "" && part !== ".") ?? location;
}

/** Facts without those that are not known. */
export function known(pairs: readonly (readonly [string, string | number | null | undefined])[]): Fact[] {
  return pairs.flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, String(value)]]));
}
