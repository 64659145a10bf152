import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeCaseStatement } from "../../src/case/case-statement.ts";
import type { CaseDocument } from "../../src/case/index.ts";
import { addResults, newCase, sealCase, verifyCase } from "../../src/case/index.ts";
import { compare, openSubject } from "../../src/index.ts";
import { compareReport, inputReport } from "../../src/report/build.ts";
import { writeBundle } from "../../src/signing/bundle.ts";
import { signPayload } from "../../src/signing/ec-key.ts";
import { openSigner } from "../../src/signing/open-signer.ts";
import { keyPair } from "./certificates.ts";
import { signerOf, trustOf } from "./signed-model.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { tinyModel, writeModel } from "./tiny-model.ts";

/** Whoever seals the cases of the tests. */
export const SEALER = keyPair();
export const TRUST = trustOf(SEALER);
/** No clock, so that the same gives the same. */
export const WHEN = { clock: () => null, toolVersion: "1.2.3" };

export interface CaseFiles {
  readonly directory: string;
  /** The open case, and where its sealed copy goes. */
  readonly open: string;
  readonly sealed: string;
  readonly suspect: string;
  readonly base: string;
  readonly inputs: ReadonlyMap<string, string>;
  /** A file with the result of a comparison. */
  readonly result: string;
}

/** The result of the first comparison of a test file, and where its models lay: those of others differ in that alone. */
let known: { readonly directory: string; readonly text: string } | undefined;

async function comparison(suspect: string, base: string): Promise<string> {
  await using one = await openSubject(suspect);
  await using other = await openSubject(base);
  const inputs = { suspect: inputReport(one, one.fingerprint), base: inputReport(other, other.fingerprint) };
  const run = { version: "1.2.3", startedAt: null, finishedAt: null };
  return JSON.stringify(compareReport(run, inputs, await compare(one, other)));
}

/** Two models that share weights, and a file with what comparing them gave. */
export async function caseFiles(directory: string = temporaryDirectory()): Promise<CaseFiles> {
  const at = (name: string) => join(directory, name);
  mkdirSync(at("secret place"));
  const suspect = at("secret place/suspect");
  const base = at("base");
  writeModel(suspect, tinyModel(1));
  writeModel(base, tinyModel(1));
  known ??= { directory, text: await comparison(suspect, base) };
  writeFileSync(at("result.json"), known.text.replaceAll(known.directory, directory));
  const given = new Map([
    ["suspect", suspect],
    ["base", base],
  ]);
  return {
    directory,
    open: at("case.json"),
    sealed: at("sealed.json"),
    suspect,
    base,
    inputs: given,
    result: at("result.json"),
  };
}

/** The same with an open case that holds the result and hashed the suspect. */
export async function openCaseFiles(directory?: string): Promise<CaseFiles> {
  const files = await caseFiles(directory);
  await newCase(files.open, { title: "A title", examiner: "A. N. Other", notes: ["why"], ...WHEN });
  await addResults(files.open, [files.result], { inputs: new Map([["suspect", files.suspect]]), ...WHEN });
  return files;
}

/** The same with a sealed copy. */
export async function sealedCaseFiles(
  options: { readonly redactPaths?: boolean } = {},
  directory?: string,
): Promise<CaseFiles> {
  const files = await openCaseFiles(directory);
  await sealCase(files.open, files.sealed, signerOf(SEALER), { ...options, ...WHEN });
  return files;
}

export function readDocument(file: string): CaseDocument {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** A sealed file as JSON, and the case that it holds. */
export function readSealed(file: string) {
  const bundle = JSON.parse(readFileSync(file, "utf8"));
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8"));
  return { bundle, statement, document: statement.predicate as CaseDocument };
}

/** Seals whatever is given, as one could who does not use the functions for it. */
export async function sealAnything(file: string, payload: CaseDocument | Uint8Array): Promise<void> {
  const { key, material } = await openSigner(signerOf(SEALER));
  const bytes = payload instanceof Uint8Array ? payload : writeCaseStatement(payload);
  writeFileSync(file, writeBundle(material, bytes, signPayload(bytes, key)));
}

/** Verifies a sealed case by its own key, with all inputs unless others are given. */
export async function verifyFiles(files: CaseFiles, inputs: ReadonlyMap<string, string> = files.inputs) {
  return verifyCase(files.sealed, TRUST, { inputs, threads: 0, ...WHEN });
}
