import { writeFileAtomic } from "../bytes/atomic-file.ts";
import { CASE_SCHEMA, type CaseDocument } from "./case-document.ts";
import { serializeCase } from "./case-file.ts";
import { withEntry } from "./custody-log.ts";
import { currentEnvironment } from "./environment.ts";

/** Who does something to a case, and when. */
export interface ByWhom {
  /** Who it is, for the log. @default the examiner of the case */
  readonly by?: string | undefined;
  /** What else the log should say. @default nothing */
  readonly note?: string | undefined;
  /** ISO 8601 time of now, or null to leave times out. @default the clock of the machine */
  readonly clock?: (() => string | null) | undefined;
  readonly toolVersion: string;
}

export interface NewCaseOptions extends Omit<ByWhom, "by" | "note"> {
  /** What it is about, in a line. */
  readonly title: string;
  /** @default nobody is named */
  readonly examiner?: string | undefined;
  /** What is to be found out, and why. @default none */
  readonly notes?: readonly string[] | undefined;
}

/**
 * Opens a case: a file that names what is examined, by whom and why, and begins its log. Identification, in the words of
 * ISO/IEC 27037. The same options give the same bytes, but for the time.
 *
 * @throws OUTPUT_EXISTS, WRITE_FAILED, CASE_MALFORMED for texts that are too long or no text
 */
export async function newCase(file: string, options: NewCaseOptions): Promise<CaseDocument> {
  const { title, examiner = null, notes = [], toolVersion } = options;
  const empty: CaseDocument = {
    schema: CASE_SCHEMA,
    tool: { name: "weightmark", version: toolVersion },
    title,
    examiner,
    notes: [...notes],
    redacted: false,
    inputs: [],
    results: [],
    log: [],
  };
  const document = withEntry(empty, { whole: true }, await entryOf("identification", options, examiner));
  await writeFileAtomic(file, serializeCase(document, file));
  return document;
}

/** What an entry of the log says of who, when and with what. */
export async function entryOf(
  action: CaseDocument["log"][number]["action"],
  { by, note, clock = now, toolVersion }: ByWhom,
  examiner: string | null,
) {
  return {
    action,
    by: by ?? examiner,
    note: note ?? null,
    time: clock(),
    environment: await currentEnvironment(toolVersion),
  };
}

function now(): string {
  return new Date().toISOString();
}
