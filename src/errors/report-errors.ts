import type { ErrorEntry } from "./error-entry.ts";

/** Result files that are read again. */
export const REPORT_ERRORS = {
  RESULT_MALFORMED: {
    kind: "refused",
    meaning: "the file is no JSON result, or not as its schema says",
    advice: "Name a file that was written as JSON or JSON lines, unchanged since.",
  },
  RESULT_VERSION: {
    kind: "refused",
    meaning: "the result is of a kind or a version that is not known here",
    advice: "Use the version of weightmark that wrote the result, or compute it again with this one.",
  },
  RESULT_TOO_LARGE: {
    kind: "refused",
    meaning: "the result file is larger than a page can be made of",
    advice: "Make the page while scanning, which keeps one model in memory, or make it of a part of the results.",
  },
} as const satisfies Record<string, ErrorEntry>;
