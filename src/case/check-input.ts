import { WeightmarkError } from "../errors.ts";
import type { CaseVerifyReport } from "../report/schemas/index.ts";
import type { CaseInput } from "./case-document.ts";
import { digestsOfGiven, hashInput, type InputFiles, type ReadingInput } from "./given-input.ts";

export type CheckedInput = CaseVerifyReport["inputs"][number];

const MOST_SHOWN = 10;

/**
 * Holds what was given in the place of an input against what the case recorded of it.
 *
 * @param place where it lies, or undefined where it was not given
 * @throws FILE_NOT_FOUND where nothing lies there; bugs, and what is no refusal of what lies there
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
    // Nothing there at all is a slip of the one who named it; whatever else lies there is not what was recorded.
    if (!(error instanceof WeightmarkError) || error.kind !== "refused" || error.code === "FILE_NOT_FOUND") throw error;
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
