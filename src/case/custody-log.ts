import { WeightmarkError } from "../errors.ts";
import { canonicalDigest } from "./canonical-digest.ts";
import {
  type CaseDocument,
  type CaseLogEntry,
  type Environment,
  headDigest,
  inputDigest,
  isReduced,
  recordDigest,
  wholeDigest,
} from "./case-document.ts";

/** What the case as a whole is called in the log. */
const WHOLE = "case";

export interface EntryOptions {
  readonly action: CaseLogEntry["action"];
  readonly by: string | null;
  readonly note: string | null;
  readonly time: string | null;
  readonly environment: Environment;
}

/** What an entry is about: the case as a whole, inputs by their name, results by their number. */
export interface Covered {
  readonly whole?: boolean;
  readonly inputs?: readonly string[];
  readonly results?: readonly number[];
}

/** The document with one more entry in its log, which holds the digest of the one before. */
export function withEntry(document: CaseDocument, covered: Covered, options: EntryOptions): CaseDocument {
  const { log } = document;
  const { action, by, note, time, environment } = options;
  const last = log.at(-1);
  const entry = {
    number: log.length + 1,
    time,
    action,
    by,
    note,
    environment,
    covers: coversOf(document, covered, action),
    previous: last?.digest ?? null,
  };
  return { ...document, log: [...log, { ...entry, digest: canonicalDigest(entry) }] };
}

function coversOf(
  document: CaseDocument,
  { whole = false, inputs = [], results = [] }: Covered,
  action: CaseLogEntry["action"],
): CaseLogEntry["covers"] {
  const digest = action === "preservation" ? wholeDigest(document) : headDigest(document);
  return [
    ...(whole ? [{ what: "case" as const, name: WHOLE, digest }] : []),
    ...inputs.map((name) => {
      const input = document.inputs.find((one) => one.name === name)!;
      return { what: "input" as const, name, digest: inputDigest(input) };
    }),
    ...results.map((number) => {
      return { what: "result" as const, name: String(number), digest: recordDigest(document.results[number - 1]!) };
    }),
  ];
}

/**
 * Proves that the log is whole: every entry follows from the one before, the first opened this very case, each input and result
 * stands in it as it stands in the case, results in their order and once, and a sealed case ends with its seal. Of an open case
 * entries at the end may be missing together with what they are of: its head is written down elsewhere, or it is sealed.
 *
 * @param file what messages call the case
 * @throws CASE_LOG_BROKEN
 */
export function verifyLog(document: CaseDocument, isSealed: boolean, file: string): void {
  const broken = (why: string) => new WeightmarkError("CASE_LOG_BROKEN", why, { file });
  const { log } = document;
  log.forEach((entry, i) => {
    const { digest, ...signed } = entry;
    if (entry.number !== i + 1 || entry.previous !== (log[i - 1]?.digest ?? null)) {
      throw broken(`entry ${i + 1} of the log does not follow the one before: entries were dropped, moved or put in`);
    }
    if (canonicalDigest(signed) !== digest) throw broken(`entry ${i + 1} of the log was changed`);
    if ((entry.action === "identification") !== (i === 0))
      throw broken("the log does not begin where the case was opened");
    if (entry.action === "preservation" && !(isSealed && i === log.length - 1)) {
      throw broken("the log goes on behind a seal");
    }
  });
  if (document.redacted && !(isSealed && isReduced(document))) {
    throw broken("it says that paths were reduced to their last part, and they were not");
  }
  requireCovered(document, broken);
  if (isSealed && log.at(-1)!.action !== "preservation")
    throw broken("the log of a sealed case does not end with its seal");
}

function requireCovered(document: CaseDocument, broken: (why: string) => Error): void {
  const { log, inputs, results } = document;
  const latest = new Map<string, string>();
  let next = 1;
  // Once, however often a hostile log names them.
  const [head, whole] = [headDigest(document), wholeDigest(document)];
  for (const { covers, action } of log) {
    for (const { what, name, digest } of covers) {
      if (what === "input") latest.set(name, digest);
      else if (what === "case") {
        if (digest !== (action === "preservation" ? whole : head)) {
          throw broken("the case is not the one that the log was kept of");
        }
      } else {
        const record = results[next - 1];
        if (name !== String(next) || record === undefined)
          throw broken(`the log has a result ${name} that is not there`);
        if (recordDigest(record) !== digest) throw broken(`result ${next} is not the one that was taken in`);
        next++;
      }
    }
  }
  if (next - 1 !== results.length) throw broken(`result ${next} is in no entry of the log`);
  if (log[0]!.covers[0]?.what !== "case") throw broken("the log does not say which case was opened");
  if (log.at(-1)!.action === "preservation" && log.at(-1)!.covers[0]?.what !== "case") {
    throw broken("the seal does not say what it is of");
  }
  const names = new Set(inputs.map(({ name }) => name));
  if (names.size !== inputs.length) throw broken("two inputs have one name");
  for (const input of inputs) {
    if (latest.get(input.name) !== inputDigest(input)) throw broken(`input ${input.name} is not as the log has it`);
  }
  if (latest.size !== inputs.length) throw broken("the log has an input that is not there");
  const unknown = results.flatMap((record) => record.inputs).find(({ name }) => !names.has(name));
  if (unknown !== undefined) throw broken(`a result is of an input ${unknown.name} that is not there`);
}
