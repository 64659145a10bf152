import type { CaseReport } from "../report/schemas/index.ts";
import { canonicalDigest } from "./canonical-digest.ts";
import { lastPart, redactPlaces } from "./redact-places.ts";

/** A case as it stands in its file: results, what they are of, and the log. Everything in it is the word of whoever wrote it. */
export type CaseDocument = CaseReport;
export type CaseInput = CaseDocument["inputs"][number];
export type CaseResult = CaseDocument["results"][number];
export type CaseLogEntry = CaseDocument["log"][number];
export type Environment = CaseLogEntry["environment"];
/** A result of the tool, as its own schema has it. */
export type TakenResult = CaseResult["result"];

export const CASE_SCHEMA = "weightmark/case@1";

/** Paths reduced to their last part. */
export function redactInput(input: CaseInput): CaseInput {
  return { ...input, location: lastPart(input.location) };
}

/** Paths reduced to their last part, and no digest of the file, from which a path could be guessed and tried. */
export function redactRecord({ file, inputs, result }: CaseResult): CaseResult {
  const called = inputs.map((input) => input.called);
  const reduced = redactPlaces({ called, result });
  return {
    file: { name: lastPart(file.name), digest: null },
    inputs: inputs.map((input, i) => ({ ...input, called: shortName(reduced.called[i]!) })),
    result: reduced.result,
  };
}

/** Of another machine's adapter and base, the name of both is their place where neither is there. */
function shortName(called: string): string {
  return /(?:^|\+)[/\\~.]/.test(called) ? lastPart(called) : called;
}

export function redactCase(document: CaseDocument): CaseDocument {
  return {
    ...document,
    redacted: true,
    inputs: document.inputs.map(redactInput),
    results: document.results.map(redactRecord),
  };
}

/** Whether nothing is left in it that `redactCase` would take out. */
export function isReduced({ inputs, results }: CaseDocument): boolean {
  const reduced = { inputs: inputs.map(redactInput), results: results.map(redactRecord) };
  return canonicalDigest({ inputs, results }) === canonicalDigest(reduced);
}

/** Digests that the log keeps: over the reduced form, so that they hold for a redacted case as well, and give no path away. */
export function headDigest({ title, examiner, notes }: CaseDocument): string {
  return canonicalDigest({ title, examiner, notes });
}

export function inputDigest(input: CaseInput): string {
  return canonicalDigest(redactInput(input));
}

export function recordDigest(record: CaseResult): string {
  return canonicalDigest(redactRecord(record));
}

/** Of all that the last entry of a sealed case vouches for. */
export function wholeDigest(document: CaseDocument): string {
  return canonicalDigest({
    head: headDigest(document),
    inputs: document.inputs.map((input) => [input.name, inputDigest(input)]),
    results: document.results.map(recordDigest),
  });
}
