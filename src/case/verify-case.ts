import { ERRORS, type ErrorCode, WeightmarkError } from "../errors.ts";
import { wrap } from "../report/envelope.ts";
import type { CaseVerifyReport } from "../report/schemas/index.ts";
import type { Trust } from "../signing/trust.ts";
import { saysNo } from "../signing/verify-model.ts";
import { requireInput } from "./add-results.ts";
import { canonicalDigest } from "./canonical-digest.ts";
import { type CaseDocument, type CaseResult, type Environment, redactRecord } from "./case-document.ts";
import { type CheckedInput, checkInput } from "./check-input.ts";
import { isOfContent } from "./content-refusal.ts";
import { verifyLog } from "./custody-log.ts";
import { currentEnvironment } from "./environment.ts";
import type { Given } from "./given-input.ts";
import { diffResults, type ResultDifference } from "./result-difference.ts";
import { inputsOfResult, sentenceOf } from "./result-inputs.ts";
import { type RunAgainOptions, runAgain, whyNot } from "./run-again.ts";
import { proveSealedCase } from "./sealed-case.ts";

export interface VerifyCaseOptions extends RunAgainOptions {
  /** Where inputs lie, by the names that the case has for them. @default none */
  readonly inputs?: Given | undefined;
  /** Say what results say with paths reduced to their last part. @default false */
  readonly redactPaths?: boolean | undefined;
  /** Told which result is computed again. */
  readonly onResult?: ((number: number, of: number) => void) | undefined;
  /** ISO 8601 time of now, or null to leave times out. @default the clock of the machine */
  readonly clock?: (() => string | null) | undefined;
}

/** Codes with which evidence itself says no, whatever tool reads it. */
const EVIDENCE = /^(?:COMMITMENT|TIMESTAMP|SKETCH)_/;

type CheckedResult = CaseVerifyReport["results"][number];

/**
 * Verifies a sealed case: who sealed it, that its log is whole, that what is given is what was examined, and that results come
 * out again where all that they need is given. Of everything else it says that it was not tested, and why.
 *
 * @throws CASE_UNSEALED, CASE_MALFORMED, CASE_LIMIT, CASE_INPUT_UNKNOWN, FILE_NOT_FOUND for an input that is not where it was
 *   named; the codes of signatures, keys and certificates that are malformed. That a seal does not hold, or a result does not
 *   come out again, is a result
 */
export async function verifyCase(file: string, trust: Trust, options: VerifyCaseOptions): Promise<CaseVerifyReport> {
  const { toolVersion, inputs: given = new Map(), clock = () => new Date().toISOString() } = options;
  const startedAt = clock();
  const report = (body: Omit<CaseVerifyReport, "schema" | "tool" | "startedAt" | "finishedAt" | "location">) =>
    wrap<CaseVerifyReport>(
      "weightmark/case-verify@1",
      { version: toolVersion, startedAt, finishedAt: startedAt === null ? null : clock() },
      { location: file, ...body },
    );
  let document: CaseDocument;
  let signedBy: CaseVerifyReport["signedBy"] = null;
  try {
    const proven = await proveSealedCase(file, trust);
    ({ document, signedBy } = proven);
    verifyLog(document, true, file);
  } catch (error) {
    const isNo = saysNo(error) || (error instanceof WeightmarkError && error.code === "CASE_LOG_BROKEN");
    if (!isNo) throw error;
    return report(refused(error as WeightmarkError, signedBy));
  }
  for (const name of given.keys()) requireInput(document, name);
  const inputs: CheckedInput[] = [];
  for (const input of document.inputs) inputs.push(await checkInput(input, given.get(input.name), options));
  const environment = environmentOf(document, await currentEnvironment(toolVersion));
  const results: CheckedResult[] = [];
  for (const [i, record] of document.results.entries()) {
    options.onResult?.(i + 1, document.results.length);
    results.push({ number: i + 1, ...(await checkResult(record, given, inputs, environment, options)) });
  }
  const seal = document.log.at(-1)!;
  return report({
    holds: true,
    code: null,
    reason: null,
    detail: null,
    sentence: sentenceFor(inputs, results),
    signedBy,
    case: {
      title: document.title,
      examiner: document.examiner,
      redacted: document.redacted,
      sealedAt: seal.time,
      entries: document.log.length,
      head: seal.digest,
    },
    inputs,
    results,
    environment,
    caveats: caveatsOf(document),
  });
}

function refused(error: WeightmarkError, signedBy: CaseVerifyReport["signedBy"]) {
  const { code, message } = error;
  return {
    holds: false,
    code,
    reason: message,
    detail: ERRORS[code as ErrorCode].advice,
    sentence: `The case does not hold: ${message}. Nothing that it says was tested.`,
    signedBy,
    case: null,
    inputs: [],
    results: [],
    environment: null,
    caveats: [],
  };
}

async function checkResult(
  record: CaseResult,
  given: Given,
  inputs: readonly CheckedInput[],
  environment: NonNullable<CaseVerifyReport["environment"]>,
  options: VerifyCaseOptions,
): Promise<Omit<CheckedResult, "number">> {
  const { result } = record;
  const said = options.redactPaths ? redactRecord(record).result : result;
  const about = { schema: result.schema, sentence: sentenceOf(said) };
  const why = whyNot(record, options);
  if (why !== null) return { ...about, status: "not-checked", details: [why] };
  const unsaid = inputsOfResult(result).find(({ role }) => !record.inputs.some((input) => input.role === role));
  if (unsaid !== undefined) {
    return { ...about, status: "not-checked", details: [`the case does not say which input is its ${unsaid.role}`] };
  }
  const missing = record.inputs.filter(({ name }) => !given.has(name)).map(({ name, role }) => `${name} (${role})`);
  if (missing.length > 0) return { ...about, status: "missing", details: [`not given: ${missing.join(", ")}`] };
  const places = new Map(record.inputs.map(({ role, name }) => [role, given.get(name)!]));
  let found: ResultDifference;
  try {
    found = diffResults(result, await runAgain(record, places, options), environment.same);
  } catch (error) {
    if (!(error instanceof WeightmarkError) || error.kind === "bug") throw error;
    const changed = changedOf(record, inputs);
    const said = `it could not be computed again: ${error.message} (${error.code})`;
    // The tool that computed it then refuses it now; another one may not be able to.
    const isRefused = isOfContent(error) && (environment.same || EVIDENCE.test(error.code));
    const status = changed.length > 0 || isRefused ? "changed" : "not-checked";
    return { ...about, status, details: [...changed, said] };
  }
  if (found.differs.length === 0) return { ...about, status: "reproduced", details: [...found.more] };
  const { version } = environment.here.tool;
  const others = environment.same
    ? []
    : [
        `the tool differs: recorded ${result.tool.version}, here ${version}${result.tool.version === version ? " with other files" : ""}`,
      ];
  return { ...about, status: "changed", details: [...found.differs, ...changedOf(record, inputs), ...others] };
}

function changedOf(record: CaseResult, inputs: readonly CheckedInput[]): string[] {
  const changed = record.inputs.filter(({ name }) =>
    inputs.some((one) => one.name === name && one.status === "changed"),
  );
  return changed.map(({ name, role }) => `${name} (${role}) is not what was examined`);
}

function environmentOf({ log }: CaseDocument, here: Environment): NonNullable<CaseVerifyReport["environment"]> {
  const recorded = new Map(log.map(({ environment }) => [canonicalDigest(environment), environment]));
  const same = [...recorded.values()].every(({ tool }) => tool.digest === here.tool.digest);
  return { recorded: [...recorded.values()], here, same };
}

function sentenceFor(inputs: readonly CheckedInput[], results: readonly CheckedResult[]): string {
  const counted = (status: CheckedResult["status"]) => results.filter((one) => one.status === status).length;
  const changedInputs = inputs.filter(({ status }) => status === "changed").length;
  const parts = [
    `${counted("reproduced")} of ${results.length} results came out again`,
    ...(counted("changed") === 0 ? [] : [`${counted("changed")} did not`]),
    ...(counted("missing") === 0 ? [] : [`inputs are missing for ${counted("missing")}`]),
    ...(counted("not-checked") === 0 ? [] : [`not tested: ${counted("not-checked")}`]),
  ];
  const changed = changedInputs === 0 ? "" : ` ${changedInputs} of ${inputs.length} inputs are not what was examined.`;
  return `The seal and the log hold; ${parts.join(", ")}.${changed}`;
}

function caveatsOf({ log, redacted }: CaseDocument): string[] {
  return [
    "the seal proves who vouches for the case, not that what it says is true: results that came out again are what this machine computed",
    ...(log.some(({ time }) => time !== null)
      ? ["times in the log are those of the machines that kept it; nobody else vouches for them"]
      : []),
    ...(redacted ? ["paths were reduced to their last part before the case was sealed"] : []),
  ];
}
