import { basename } from "node:path";
import { shownLocation } from "../checkpoint/location.ts";
import { subjectName } from "../lineage/subject-name.ts";
import type { CompareReport } from "../report/schemas/index.ts";
import type { CaseInput, TakenResult } from "./case-document.ts";
import { lastPart } from "./redact-places.ts";

/** One thing that a result is of, as the result tells it. */
export interface ResultInput extends Pick<CaseInput, "kind" | "location" | "revision" | "digests"> {
  readonly role: string;
  /** What the result calls it. */
  readonly called: string;
}

type Side = CompareReport["inputs"]["suspect"];

/** Everything that a result was computed of and names, keys apart: those are never named. */
export function inputsOfResult(result: TakenResult): ResultInput[] {
  switch (result.schema) {
    case "weightmark/compare@1": {
      const { suspect, base } = result.inputs;
      // As `compare` calls them: two that end in the same name by the whole of it.
      const isOneName = subjectName(suspect.location) === subjectName(base.location);
      const called = isOneName ? shownLocation : subjectName;
      return [subject("suspect", suspect, called), subject("base", base, called)];
    }
    case "weightmark/identify@1": {
      const { location, digest } = result.registry;
      return [subject("suspect", result.inputs.suspect), other("registry", "registry", location, { registry: digest })];
    }
    case "weightmark/fingerprint@1":
      return [subject("model", result.inputs.model)];
    case "weightmark/watermark-verify@1": {
      const { model, base, reference, tokenizer } = result.inputs;
      const { commitment } = result;
      return [
        other("model", "model", model.location, {}),
        ...(base === null ? [] : [other("base", "model", base.location, { sampledRoot: base.digest })]),
        ...(reference === null ? [] : [other("reference", "sketch", reference.location, { file: reference.digest })]),
        ...(tokenizer === null
          ? []
          : [other("tokenizer", "tokenizer", tokenizer.location, { file: tokenizer.digest })]),
        ...(commitment === undefined
          ? []
          : [other("commitment", "commitment", commitment.location, { statement: commitment.digest })]),
      ];
    }
    case "weightmark/verify@1": {
      const { model, signature } = result.inputs;
      const signed = result.holds && result.signed !== null ? { signed: result.signed.digest } : {};
      return [other("model", "model", model.location, signed), other("signature", "signature", signature.location, {})];
    }
    case "weightmark/commit@1":
      return [other("commitment", "commitment", result.location, { statement: result.digest })];
    case "weightmark/scan-item@1": {
      const { location, revision, sampledRoot, content, name } = result;
      const digests = {
        ...(sampledRoot === null ? {} : { sampledRoot }),
        ...(content === null ? {} : { content }),
      };
      return [{ role: "model", kind: "model", location, revision, digests, called: name }];
    }
    case "weightmark/scan-summary@1": {
      const { registry } = result;
      return registry === null ? [] : [other("registry", "registry", registry.location, { registry: registry.digest })];
    }
  }
}

function subject(role: string, side: Side, called: (location: string) => string = subjectName): ResultInput {
  const { kind, location, revision, sampledRoot, contentRoot, manifestRoot } = side;
  const digests = { sampledRoot, manifestRoot, ...(contentRoot === null ? {} : { contentRoot }) };
  return { role, kind, location, revision, digests, called: called(location) };
}

function other(role: string, kind: ResultInput["kind"], location: string, digests: CaseInput["digests"]): ResultInput {
  return {
    role,
    kind,
    location,
    revision: null,
    digests,
    called: kind === "model" ? subjectName(location) : basename(location),
  };
}

/** What only a path has, of this or another system, or a place in an archive. */
const OF_A_PATH = /(?:^|\+)[/~.]|^[A-Za-z]:|[\\!]/;

/**
 * What people and command lines call an input: plain characters of its name alone, told apart by numbers. It stands in the log,
 * which nobody can take a path out of later.
 */
export function inputNameOf(
  { called, location }: Pick<ResultInput, "called" | "location">,
  taken: ReadonlySet<string>,
) {
  const own = called === shownLocation(location) ? subjectName(location) : called;
  const short = OF_A_PATH.test(own) ? lastPart(own) : own;
  const plain = short.replaceAll(/[^A-Za-z0-9._@+/-]+/g, "-").slice(0, 100) || "input";
  for (let number = 1; ; number++) {
    const name = number === 1 ? plain : `${plain}-${number}`;
    if (!taken.has(name)) return name;
  }
}

/** One sentence on what a result says. */
export function sentenceOf(result: TakenResult): string {
  switch (result.schema) {
    case "weightmark/compare@1":
    case "weightmark/identify@1":
      return `${result.verdict}: ${result.summary}`;
    case "weightmark/fingerprint@1":
      return `fingerprint of ${subjectName(result.inputs.model.location)}`;
    case "weightmark/watermark-verify@1":
      return markSentence(result);
    case "weightmark/verify@1":
      return result.holds
        ? "the signature of a model holds"
        : `the signature of a model does not hold (${result.code})`;
    case "weightmark/commit@1":
      return `commitment to key ${result.statement.key.id}: ${result.time.sentence}`;
    case "weightmark/scan-item@1":
      return `${result.status}: ${result.summary ?? result.name}`;
    case "weightmark/scan-summary@1":
      return `scan of ${result.listed} models`;
  }
}

function markSentence({
  present,
  level,
  keyId,
  payload,
  commitment,
}: Extract<TakenResult, { present: boolean }>): string {
  const found = present ? `${level}: mark of key ${keyId} found` : `no mark of key ${keyId} found`;
  const says = payload === null ? "" : `, payload ${payload.text === null ? payload.hex : `"${payload.text}"`}`;
  return `${found}${says}${commitment === undefined ? "" : `; ${commitment.time.sentence}`}`;
}
