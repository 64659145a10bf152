import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { WeightmarkError } from "../errors.ts";
import { writeBundle } from "../signing/bundle.ts";
import { signPayload } from "../signing/ec-key.ts";
import { openSigner } from "../signing/open-signer.ts";
import type { Signer } from "../signing/signer.ts";
import { openCase } from "./add-results.ts";
import { type CaseDocument, redactCase } from "./case-document.ts";
import { serializeCase } from "./case-file.ts";
import { writeCaseStatement } from "./case-statement.ts";
import { withEntry } from "./custody-log.ts";
import { type ByWhom, entryOf } from "./new-case.ts";

export interface SealOptions extends ByWhom {
  /** Reduce paths to their last part. @default false */
  readonly redactPaths?: boolean | undefined;
}

/**
 * Seals a case: its log ends with a digest of the whole, and the case becomes the predicate of an in-toto statement that is
 * signed in a DSSE envelope, in a file of its own. Preservation, in the words of ISO/IEC 27037. The open case stays as it was.
 *
 * @param sealed the file to write
 * @throws CASE_EMPTY, CASE_SEALED, CASE_LOG_BROKEN, what reading the case throws; the codes of keys and certificates;
 *   OUTPUT_EXISTS, WRITE_FAILED, SIGNATURE_LIMIT
 */
export async function sealCase(
  file: string,
  sealed: string,
  signer: Signer,
  options: SealOptions,
): Promise<CaseDocument> {
  const { key, material } = await openSigner(signer);
  const open = await openCase(file);
  if (open.results.length === 0) throw new WeightmarkError("CASE_EMPTY", "the case holds no result", { file });
  const shown = options.redactPaths ? redactCase(open) : open;
  const entry = await entryOf("preservation", options, open.examiner);
  const logged = withEntry(shown, { whole: true }, entry);
  const document = { ...logged, tool: { ...logged.tool, version: options.toolVersion } };
  // Asked of a sealed case as of an open one: that it can be read again.
  serializeCase(document, file);
  const payload = writeCaseStatement(document);
  await writeFileAtomic(sealed, writeBundle(material, payload, signPayload(payload, key)));
  return document;
}
