import { ADAPTER_ERRORS } from "./errors/adapter-errors.ts";
import { ARCHIVE_ERRORS } from "./errors/archive-errors.ts";
import { ARRAY_ERRORS } from "./errors/array-errors.ts";
import { CASE_ERRORS } from "./errors/case-errors.ts";
import { CHECKPOINT_ERRORS } from "./errors/checkpoint-errors.ts";
import { COMMITMENT_ERRORS } from "./errors/commitment-errors.ts";
import { CTRANSLATE2_ERRORS } from "./errors/ctranslate2-errors.ts";
import type { ErrorEntry, ErrorKind } from "./errors/error-entry.ts";
import { FILE_ERRORS } from "./errors/file-errors.ts";
import { GGUF_ERRORS } from "./errors/gguf-errors.ts";
import { MACHINE_ERRORS } from "./errors/machine-errors.ts";
import { ONNX_ERRORS } from "./errors/onnx-errors.ts";
import { REGISTRY_ERRORS } from "./errors/registry-errors.ts";
import { REMOTE_ERRORS } from "./errors/remote-errors.ts";
import { REPORT_ERRORS } from "./errors/report-errors.ts";
import { SAFETENSORS_ERRORS } from "./errors/safetensors-errors.ts";
import { SCAN_ERRORS } from "./errors/scan-errors.ts";
import { SIGNING_ERRORS } from "./errors/signing-errors.ts";
import { WATERMARK_ERRORS } from "./errors/watermark-errors.ts";

/**
 * Every refusal has a stable code: it is what scripts branch on and what docs/errors.md explains. Every code is of a
 * kind, which says whether another try is worth it, and says what to do next.
 */
export const ERRORS = {
  ...FILE_ERRORS,
  ...MACHINE_ERRORS,
  ...SAFETENSORS_ERRORS,
  ...ARRAY_ERRORS,
  ...ARCHIVE_ERRORS,
  ...GGUF_ERRORS,
  ...ONNX_ERRORS,
  ...CTRANSLATE2_ERRORS,
  ...CHECKPOINT_ERRORS,
  ...ADAPTER_ERRORS,
  ...REGISTRY_ERRORS,
  ...REMOTE_ERRORS,
  ...SCAN_ERRORS,
  ...SIGNING_ERRORS,
  ...REPORT_ERRORS,
  ...WATERMARK_ERRORS,
  ...COMMITMENT_ERRORS,
  ...CASE_ERRORS,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
export type { ErrorKind };

/** Where the problem lies and what to do next. Names are raw here and escaped by the one who prints them. */
export interface ErrorDetail {
  /** What to do next, one sentence. @default the advice of the code */
  readonly detail?: string | undefined;
  readonly file?: string | undefined;
  readonly tensor?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class of the library. */
export class WeightmarkError extends Error {
  readonly code: ErrorCode;
  /** What to do next: never left out. */
  readonly detail: string;
  readonly file: string | undefined;
  readonly tensor: string | undefined;

  constructor(code: ErrorCode, message: string, where: ErrorDetail = {}) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.name = "WeightmarkError";
    this.code = code;
    this.detail = where.detail ?? ERRORS[code].advice;
    this.file = where.file;
    this.tensor = where.tensor;
  }

  get kind(): ErrorKind {
    return ERRORS[this.code].kind;
  }
}

/** An error as plain data, for it loses its class and fields on the way between threads. */
export interface ErrorData extends Omit<ErrorDetail, "cause"> {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What `errorOf` makes an error of again. Throws whatever is no `WeightmarkError`. */
export function errorData(error: unknown): ErrorData {
  if (!(error instanceof WeightmarkError)) throw error;
  const { code, message, detail, file, tensor } = error;
  return { code, message, detail, file, tensor };
}

export function errorOf({ code, message, ...where }: ErrorData): WeightmarkError {
  return new WeightmarkError(code, message, where);
}
