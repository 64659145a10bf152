import { z } from "zod";
import { WeightmarkError } from "../errors.ts";
import { parseStrictJson } from "../signing/strict-json.ts";
import { canonicalDigest } from "./canonical-digest.ts";
import type { CaseDocument, CaseInput } from "./case-document.ts";
import { malformed, parseCase } from "./case-file.ts";
import { LONE_FILE } from "./given-input.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
/** docs/cases.md says what it means; the predicate follows schemas/case@1.json. */
const PREDICATE_TYPE = "https://github.com/weightmark/weightmark/case/v1";

interface Subject {
  readonly name: string;
  readonly digest: Readonly<Record<string, string>>;
}

const statementSchema = z.strictObject({
  _type: z.string(),
  subject: z.array(z.strictObject({ name: z.string(), digest: z.record(z.string(), z.string()) })),
  predicateType: z.string(),
  predicate: z.unknown(),
});

/** What the statement is about: the log by its head, and all inputs that have a digest, or the files that were hashed of them. */
function subjectsOf({ log, inputs }: CaseDocument): Subject[] {
  return [{ name: "log", digest: { sha256: log.at(-1)!.digest } }, ...inputs.flatMap(subjectsOfInput)];
}

function subjectsOfInput({ name, digests, files }: CaseInput): Subject[] {
  const own = new Map(Object.entries(digests).map(([kind, value]): [string, string] => [`weightmark-${kind}`, value!]));
  const below: Subject[] = [];
  for (const { path, sha256 } of files ?? []) {
    if (path === LONE_FILE) own.set("sha256", sha256);
    else below.push({ name: `${name}/${path}`, digest: { sha256 } });
  }
  return own.size === 0 ? below : [{ name, digest: Object.fromEntries(own) }, ...below];
}

/** The in-toto statement v1 of a case, to be signed: same case, same bytes. */
export function writeCaseStatement(document: CaseDocument): Uint8Array {
  const statement = {
    _type: STATEMENT_TYPE,
    subject: subjectsOf(document),
    predicateType: PREDICATE_TYPE,
    predicate: document,
  };
  return Buffer.from(JSON.stringify(statement));
}

/**
 * The case in a statement whose signature holds, or is not looked at.
 *
 * @param file the sealed case, as messages call it
 * @throws CASE_MALFORMED, CASE_LIMIT, RESULT_VERSION, SIGNATURE_UNSUPPORTED where something else was signed
 */
export function readCaseStatement(payload: Uint8Array, file: string): CaseDocument {
  const { success, data, error } = statementSchema.safeParse(
    parseStrictJson(payload, (why) => malformed(`what was sealed is wrong: ${why}`, file)),
  );
  if (!success) {
    const issue = error.issues[0]!;
    throw malformed(`what was sealed is wrong: ${issue.path.join(".") || "the whole"}: ${issue.message}`, file);
  }
  if (data._type !== STATEMENT_TYPE || data.predicateType !== PREDICATE_TYPE) {
    throw new WeightmarkError("SIGNATURE_UNSUPPORTED", "what was signed is no case of a version that is known here", {
      file,
      detail: "Name a sealed case: signatures of models and of other files are verified on their own.",
    });
  }
  const document = parseCase(data.predicate, file);
  if (canonicalDigest(data.subject) !== canonicalDigest(subjectsOf(document))) {
    throw malformed("what was sealed is wrong: its subjects are not those of the case", file);
  }
  return document;
}
