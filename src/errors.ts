/**
 * Every refusal has a stable code: it is what scripts branch on and what docs/errors.md explains.
 * `exit` is the process exit code (2 usage, 3 input malformed or refused, 4 nothing to do, 70 a bug).
 */
export const ERRORS = {
  USAGE: { exit: 2, meaning: "the command line or an option is wrong" },
  INTERNAL: { exit: 70, meaning: "a bug in weightmark" },

  FILE_NOT_FOUND: { exit: 3, meaning: "the path does not exist" },
  FILE_UNREADABLE: { exit: 3, meaning: "the path exists but cannot be read" },
  NOT_A_REGULAR_FILE: { exit: 3, meaning: "a directory, FIFO, socket or device stands where a file is needed" },
  READ_OUT_OF_RANGE: { exit: 3, meaning: "a read beyond the end of the source" },
  CHANGED_DURING_READ: { exit: 3, meaning: "the file changed while it was being read" },
  BYTE_BUDGET_EXCEEDED: { exit: 3, meaning: "reading on would exceed --max-bytes" },
  OUTPUT_EXISTS: { exit: 3, meaning: "the output exists and may not be overwritten" },
  OUTPUT_IS_INPUT: { exit: 3, meaning: "the output path is one of the inputs" },
  WRITE_FAILED: { exit: 3, meaning: "the output could not be written; nothing was left behind" },
} as const satisfies Record<string, { exit: number; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Where the problem lies and what to do next. Names are raw here and escaped by whoever prints them. */
export interface ErrorDetail {
  /** What to do next, one sentence. */
  readonly detail?: string | undefined;
  readonly file?: string | undefined;
  readonly tensor?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class of the library. */
export class WeightmarkError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly file: string | undefined;
  readonly tensor: string | undefined;

  constructor(code: ErrorCode, message: string, where: ErrorDetail = {}) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.name = "WeightmarkError";
    this.code = code;
    this.detail = where.detail;
    this.file = where.file;
    this.tensor = where.tensor;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}
