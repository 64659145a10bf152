import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { realPath } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";
import { readSmallFile } from "../bytes/small-file.ts";
import { WeightmarkError } from "../errors.ts";
import { takeLock } from "../registry/lock.ts";
import { openAnyRegistry } from "../registry/open-registry.ts";
import { readResults } from "../report/read-results.ts";
import type { Report } from "../report/schemas/index.ts";
import type { CaseDocument, CaseInput, CaseResult, TakenResult } from "./case-document.ts";
import { readCaseFile, serializeCase } from "./case-file.ts";
import { verifyLog, withEntry } from "./custody-log.ts";
import { digestsOfGiven, type Given, hashInput, type ReadingInput } from "./given-input.ts";
import { type ByWhom, entryOf } from "./new-case.ts";
import { inputNameOf, inputsOfResult, type ResultInput } from "./result-inputs.ts";

/** Of one file with results: a case holds less. */
const MAX_RESULT_BYTES = 32 << 20;
const LOCK_MS = 10_000;

const TAKEN: ReadonlySet<string> = new Set<TakenResult["schema"]>([
  "weightmark/compare@1",
  "weightmark/identify@1",
  "weightmark/fingerprint@1",
  "weightmark/watermark-verify@1",
  "weightmark/verify@1",
  "weightmark/commit@1",
  "weightmark/scan-item@1",
  "weightmark/scan-summary@1",
]);

export interface AddResultsOptions extends ByWhom, ReadingInput {
  /** Where inputs lie, by the names that the case has or will have for them: their files are hashed. @default none */
  readonly inputs?: Given | undefined;
  /** How long to wait for another process that changes the case, milliseconds. @default 10000 */
  readonly lockTimeout?: number | undefined;
}

/**
 * Takes results into an open case, with what they are of, and hashes inputs that are given: collection and acquisition, in the
 * words of ISO/IEC 27037. The file is replaced whole, or stays as it was.
 *
 * @param results files with results as JSON or JSON lines
 * @throws CASE_SEALED, CASE_LOG_BROKEN, CASE_LOCKED, CASE_RESULT_UNSUPPORTED, CASE_INPUT_UNKNOWN, CASE_INPUT_MISMATCH,
 *   CASE_LIMIT, RESULT_MALFORMED, RESULT_VERSION, RESULT_TOO_LARGE; what reading a case and what was given throws; WRITE_FAILED
 */
export async function addResults(
  file: string,
  results: readonly string[],
  options: AddResultsOptions,
): Promise<CaseDocument> {
  // Behind a link lies the one file that all change.
  const place = await realPath(file).catch((error) => {
    throw fileError(error, file);
  });
  const lock = await takeLock(`${place}.lock`, {
    timeoutMs: options.lockTimeout ?? LOCK_MS,
    code: "CASE_LOCKED",
    message: "another process is changing this case",
  });
  try {
    const before = await openCase(file);
    let document = before;
    for (const path of results) document = taken(document, path, await readResultFile(path));
    document = await acquired(document, options);
    const collected = { results: numbersFrom(before.results.length, document.results.length) };
    const { examiner, inputs } = document;
    const given = [...(options.inputs?.keys() ?? [])];
    if (collected.results.length > 0) {
      const covered = {
        ...collected,
        inputs: inputs.filter((one) => !before.inputs.includes(one)).map(({ name }) => name),
      };
      document = withEntry(document, covered, await entryOf("collection", options, examiner));
    }
    if (given.length > 0) {
      document = withEntry(document, { inputs: given }, await entryOf("acquisition", options, examiner));
    }
    const whole = { ...document, tool: { ...document.tool, version: options.toolVersion } };
    const bytes = serializeCase(whole, file);
    lock.requireHeld();
    const { mode } = await stat(place);
    await writeFileAtomic(place, bytes, { overwrite: true, mode: mode & 0o777 });
    return whole;
  } finally {
    lock.release();
  }
}

/**
 * A case that is not sealed, its log verified.
 *
 * @throws CASE_SEALED, CASE_LOG_BROKEN, what `readCaseFile` throws
 */
export async function openCase(file: string): Promise<CaseDocument> {
  const found = await readCaseFile(file);
  if (found.kind === "sealed") throw new WeightmarkError("CASE_SEALED", "the case is sealed", { file });
  verifyLog(found.document, false, file);
  return found.document;
}

function numbersFrom(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i + 1);
}

async function readResultFile(path: string): Promise<{ readonly digest: string; readonly reports: TakenResult[] }> {
  const tooLarge = () =>
    new WeightmarkError("CASE_LIMIT", `a case takes files with at most ${MAX_RESULT_BYTES} bytes of results`, {
      file: path,
    });
  const bytes = await readSmallFile(path, MAX_RESULT_BYTES, tooLarge);
  const reports: TakenResult[] = [];
  for (const { report, scan } of readResults(path, bytes)) {
    if (scan === undefined) reports.push(requireTaken(report, path));
    else {
      reports.push(scan.summary);
      for await (const item of scan.items()) reports.push(item);
    }
  }
  return { digest: createHash("sha256").update(bytes).digest("hex"), reports };
}

function requireTaken(report: Report, file: string): TakenResult {
  if (TAKEN.has(report.schema)) return report as TakenResult;
  throw new WeightmarkError("CASE_RESULT_UNSUPPORTED", `a ${report.schema} is no evidence of where weights come from`, {
    file,
  });
}

function taken(
  document: CaseDocument,
  name: string,
  { digest, reports }: { readonly digest: string; readonly reports: readonly TakenResult[] },
): CaseDocument {
  const inputs = [...document.inputs];
  const records = reports.map((result): CaseResult => {
    const used = inputsOfResult(result).map((input) => {
      return { role: input.role, name: recordInput(inputs, input), called: input.called };
    });
    return { file: { name, digest }, inputs: used, result };
  });
  return { ...document, inputs, results: [...document.results, ...records] };
}

/** The name of an input in the case: of one that is known already, unless a digest tells that it is another. */
function recordInput(inputs: CaseInput[], input: ResultInput): string {
  const { kind, location, revision, digests } = input;
  const at = inputs.findIndex((one) => one.kind === kind && one.location === location && agree(one.digests, digests));
  const known = inputs[at];
  if (known !== undefined) {
    const merged = { ...known.digests, ...digests };
    if (Object.keys(merged).length > Object.keys(known.digests).length) inputs[at] = { ...known, digests: merged };
    return known.name;
  }
  const name = inputNameOf(input, new Set(inputs.map((one) => one.name)));
  inputs.push({ name, kind, location, revision, digests, files: null, fingerprints: null });
  return name;
}

function agree(one: CaseInput["digests"], other: CaseInput["digests"]): boolean {
  return (Object.keys(one) as (keyof CaseInput["digests"])[]).every(
    (kind) => other[kind] === undefined || other[kind] === one[kind],
  );
}

/** What was given itself is hashed, after it is shown to be what the results are of, as far as they have a digest of it. */
async function acquired(document: CaseDocument, options: AddResultsOptions): Promise<CaseDocument> {
  let { inputs } = document;
  for (const [name, place] of options.inputs ?? []) {
    const input = requireInput(document, name);
    const found = await digestsOfGiven(input.kind, place, input.digests, options);
    const wrong = (Object.keys(found) as (keyof typeof found)[]).find((kind) => found[kind] !== input.digests[kind]);
    if (wrong !== undefined) {
      throw new WeightmarkError("CASE_INPUT_MISMATCH", `this is not the ${name} of the results: its ${wrong} differs`, {
        file: place,
      });
    }
    const more =
      input.kind === "registry"
        ? { fingerprints: await candidatesIn(document, name, place) }
        : { files: await hashInput(place, options) };
    inputs = inputs.map((one) => (one === input ? { ...one, ...more } : one));
  }
  return { ...document, inputs };
}

/** The registered fingerprints behind what the results say of candidates of a registry. */
async function candidatesIn(
  { results }: CaseDocument,
  input: string,
  place: string,
): Promise<CaseInput["fingerprints"]> {
  const names = new Set<string>();
  for (const { inputs, result } of results) {
    if (!inputs.some(({ name }) => name === input)) continue;
    if (result.schema === "weightmark/identify@1") for (const { name } of result.candidates) names.add(name);
  }
  await using registry = await openAnyRegistry(place);
  return registry.list().flatMap(({ name, digest }) => (names.has(name) ? [{ name, digest }] : []));
}

/** @throws CASE_INPUT_UNKNOWN */
export function requireInput({ inputs }: CaseDocument, name: string): CaseInput {
  const found = inputs.find((input) => input.name === name);
  if (found !== undefined) return found;
  const known = inputs.map((input) => input.name).join(", ");
  throw new WeightmarkError("CASE_INPUT_UNKNOWN", `no input of the case is called ${name}`, {
    detail: inputs.length === 0 ? "Add a result first: it says what it is of." : `Its inputs are: ${known}.`,
  });
}
