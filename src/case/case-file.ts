import { readSmallFile } from "../bytes/small-file.ts";
import { WeightmarkError } from "../errors.ts";
import { caseSchema } from "../report/schemas/case.ts";
import { MAX_BUNDLE_BYTES } from "../signing/bundle.ts";
import { parseStrictJson } from "../signing/strict-json.ts";
import { CASE_SCHEMA, type CaseDocument } from "./case-document.ts";

/** Of an open case: sealed, it is a third larger, and still within what is read of a signature. */
const MAX_CASE_BYTES = 40 << 20;
const MAX_RESULTS = 1000;
const MAX_ENTRIES = 10_000;

/** A case file as it was found: open, or sealed and not yet believed. */
export type CaseFile =
  | { readonly kind: "open"; readonly document: CaseDocument; readonly bytes: Uint8Array }
  | { readonly kind: "sealed"; readonly bytes: Uint8Array };

/**
 * Reads a case file. Nothing of it is proven by that: neither a signature nor the log is looked at.
 *
 * @throws CASE_MALFORMED, CASE_LIMIT, RESULT_VERSION, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_REGULAR_FILE
 */
export async function readCaseFile(file: string): Promise<CaseFile> {
  const bytes = await readSmallFile(file, MAX_BUNDLE_BYTES, () => tooLarge(file));
  const json = parseStrictJson(bytes, (why) => malformed(why, file));
  if (isObject(json) && "dsseEnvelope" in json) return { kind: "sealed", bytes };
  return { kind: "open", document: parseCase(json, file), bytes };
}

/**
 * The case that a value is.
 *
 * @param file what messages call it
 * @throws CASE_MALFORMED, CASE_LIMIT, RESULT_VERSION
 */
export function parseCase(json: unknown, file: string): CaseDocument {
  const schema = isObject(json) ? json.schema : undefined;
  if (typeof schema === "string" && schema.startsWith("weightmark/case@") && schema !== CASE_SCHEMA) {
    throw new WeightmarkError("RESULT_VERSION", `${JSON.stringify(schema.slice(0, 80))} is not known`, { file });
  }
  if (schema !== CASE_SCHEMA) throw malformed("it is no case", file);
  const { success, data, error } = caseSchema.safeParse(json);
  if (!success) {
    const [issue] = error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "" : ` at /${issue.path.join("/").slice(0, 200)}`;
    throw malformed(`it is no ${CASE_SCHEMA}${where}: ${issue?.message.slice(0, 200) ?? "invalid"}`, file);
  }
  if (data.results.length > MAX_RESULTS || data.log.length > MAX_ENTRIES) {
    const message = `a case has at most ${MAX_RESULTS} results and ${MAX_ENTRIES} entries in its log`;
    throw new WeightmarkError("CASE_LIMIT", message, { file });
  }
  return data;
}

/**
 * The bytes of an open case, which were read again: what is written can be read.
 *
 * @throws CASE_LIMIT, CASE_MALFORMED for what no reader would take, such as texts with half a character
 */
export function serializeCase(document: CaseDocument, file: string): Uint8Array {
  const bytes = Buffer.from(`${JSON.stringify(document, null, 1)}\n`);
  if (bytes.length > MAX_CASE_BYTES) throw tooLarge(file);
  parseCase(
    parseStrictJson(bytes, (why) => malformed(why, file)),
    file,
  );
  return bytes;
}

export function malformed(why: string, file: string): WeightmarkError {
  return new WeightmarkError("CASE_MALFORMED", why, { file });
}

function tooLarge(file: string): WeightmarkError {
  return new WeightmarkError("CASE_LIMIT", `a case has at most ${MAX_CASE_BYTES} bytes`, { file });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
