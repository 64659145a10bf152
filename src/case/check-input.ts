import { stat } from "node:fs/promises";
import { fsPath } from "../bytes/path-text.ts";
import { fileError } from "../bytes/regular-file.ts";
import { isDatabaseUrl } from "../registry/postgres/connection-url.ts";
import type { CaseVerifyReport } from "../report/schemas/index.ts";
import type { CaseInput } from "./case-document.ts";
import { isOfContent } from "./content-refusal.ts";
import { digestsOfGiven, hashInput, type InputFiles, type ReadingInput } from "./given-input.ts";

export type CheckedInput = CaseVerifyReport["inputs"][number];

const MOST_SHOWN = 10;

/**
 * Holds what was given in the place of an input against what the case recorded of it.
 *
 * @param place where it lies, or undefined where it was not given
 * @throws FILE_NOT_FOUND where nothing lies there, what else keeps one from reading it; bugs
 */
export async function checkInput(
  input: CaseInput,
  place: string | undefined,
  reading: ReadingInput,
): Promise<CheckedInput> {
  const { name, kind, digests, files } = input;
  const about = { name, kind };
  if (place === undefined) return { ...about, status: "missing", compared: [], details: ["it was not given"] };
  const compared: string[] = [];
  const details: string[] = [];
  const remarks: string[] = [];
  if (kind === "registry" && !isDatabaseUrl(place)) {
    await stat(fsPath(place)).catch((error) => {
      throw fileError(error, place);
    });
  }
  try {
    const found = files === null ? null : await hashInput(place, reading);
    if (files !== null && found === null) remarks.push("it does not lie here: its files were not hashed again");
    if (files !== null && found !== null) {
      compared.push("files");
      details.push(...diffFiles(files, found));
    }
    const again = await digestsOfGiven(kind, place, digests, reading);
    for (const digest of Object.keys(again) as (keyof typeof again)[]) {
      compared.push(digest);
      if (again[digest] !== digests[digest]) details.push(`its ${digest} is ${again[digest]}, not ${digests[digest]}`);
    }
  } catch (error) {
    // What cannot be reached was not looked at; whatever is refused for its content is not what was recorded.
    if (!isOfContent(error)) throw error;
    return {
      ...about,
      status: "changed",
      compared,
      details: [...details, `it cannot be read: ${error.message} (${error.code})`],
    };
  }
  if (compared.length === 0) remarks.push("no digest of it was recorded that can be computed");
  const status = details.length > 0 ? "changed" : compared.length > 0 ? "unchanged" : "not-checked";
  return { ...about, status, compared, details: [...details, ...remarks] };
}

function diffFiles(recorded: InputFiles, found: InputFiles): string[] {
  const here = new Map(found.map((file) => [file.path, file.sha256]));
  const known = new Set(recorded.map(({ path }) => path));
  const differing = recorded.flatMap(({ path, sha256 }) => {
    const now = here.get(path);
    if (now === sha256) return [];
    return now === undefined ? [`${path} is missing`] : [`${path} is another file: SHA-256 ${now}, not ${sha256}`];
  });
  const more = found.filter(({ path }) => !known.has(path)).map(({ path }) => `${path} was not there`);
  const all = [...differing, ...more];
  return all.length <= MOST_SHOWN ? all : [...all.slice(0, MOST_SHOWN), `${all.length - MOST_SHOWN} more files differ`];
}
