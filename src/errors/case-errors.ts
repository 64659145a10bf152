import type { ErrorEntry } from "./error-entry.ts";

/** Case files: results with all that is needed to check them again. */
export const CASE_ERRORS = {
  CASE_MALFORMED: {
    kind: "refused",
    meaning: "the file is no case, or was damaged or cut off",
    advice: "Take another copy of the case, as it was written.",
  },
  CASE_LIMIT: {
    kind: "refused",
    meaning: "the case, or what is to be taken into it, is larger than any that is read",
    advice: "Divide it into several cases.",
  },
  CASE_SEALED: {
    kind: "refused",
    meaning: "a sealed case is never changed",
    advice: "Go on with the open case that was sealed, or open another case, and seal it again.",
  },
  CASE_UNSEALED: {
    kind: "refused",
    meaning: "the case was never sealed: anyone could have written it",
    advice: "Ask for the sealed case; an open one is the work of its examiner.",
  },
  CASE_EMPTY: {
    kind: "nothing",
    meaning: "the case to be sealed holds no result",
    advice: "Add results first (`addResults`).",
  },
  CASE_LOG_BROKEN: {
    kind: "refused",
    meaning: "the log of the case is not whole, or is of something else than what the case holds",
    advice:
      "Do not rely on the case: entries, results or inputs were changed, moved or left out. Take an earlier copy.",
  },
  CASE_LOCKED: {
    kind: "passing",
    meaning: "another process is changing the case",
    advice: "Try again when it is done.",
  },
  CASE_RESULT_UNSUPPORTED: {
    kind: "refused",
    meaning: "a case does not take results of this kind",
    advice:
      "Add results of identifying, comparing, fingerprinting, scanning, or verifying marks, signatures and commitments.",
  },
  CASE_INPUT_UNKNOWN: {
    kind: "usage",
    meaning: "the case has no input of this name",
    advice: "Use one of the names that the case has for its inputs.",
  },
  CASE_INPUT_MISMATCH: {
    kind: "refused",
    meaning: "what was given in the place of an input is not what the results are of",
    advice: "Name the very model or file that was examined, or compute the results again of the one that is there.",
  },
} as const satisfies Record<string, ErrorEntry>;
