import { ERRORS, WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
import { escapeText, toJson } from "../report/escape.ts";
import type { ErrorReport } from "../report/schemas/index.ts";
import { inFlags } from "./advice.ts";
import { exitCodeOf } from "./exit-codes.ts";

export interface FailureOptions {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly redact: (text: string) => string;
}

const BUG_NOTICE = "This is a bug in weightmark. Please report it with the command line and the output of --verbose.";

/** What is printed about an error, and the exit code. Anything but our own errors and the limits of the machine is a bug. */
export function describeFailure(
  error: unknown,
  options: FailureOptions,
): { readonly text: string; readonly exitCode: number } {
  const known = error instanceof WeightmarkError ? error : machineLimit(error);
  const code = known?.code ?? "INTERNAL";
  const message = known?.message ?? (error instanceof Error ? error.message : String(error));
  const detail = known === null ? BUG_NOTICE : inFlags(adviceOf(known));
  const { redact } = options;
  const report: ErrorReport = {
    error: {
      code,
      message: redact(message),
      detail: redact(detail),
      ...(known?.file === undefined ? {} : { file: redact(known.file) }),
      ...(known?.tensor === undefined ? {} : { tensor: known.tensor }),
    },
  };
  const text = options.json ? `${toJson(report, 0)}\n` : lines(report.error);
  const stack = options.verbose && error instanceof Error ? `${escapeLines(redact(error.stack ?? ""))}\n` : "";
  return { text: text + (options.json ? "" : stack), exitCode: exitCodeOf(code) };
}

/** What is printed about something that deserves a look and stops nothing. */
export function warningText({ message, detail, file }: WeightmarkError, redact: (text: string) => string): string {
  const prefix = file === undefined ? "" : `${escapeText(redact(file))}: `;
  return `weightmark: warning: ${prefix}${escapeText(redact(message))}\n${escapeText(redact(inFlags(detail)))}\n`;
}

/** What helps; where the machine is behind a refusal that does not know it, that is what helps. */
function adviceOf({ code, detail, cause }: WeightmarkError): string {
  return detail === ERRORS[code].advice ? (machineLimit(cause)?.detail ?? detail) : detail;
}

function lines({ code, message, detail, file, tensor }: ErrorReport["error"]): string {
  const where = [file, tensor === undefined ? undefined : `tensor ${tensor}`].filter((part) => part !== undefined);
  const prefix = where.length === 0 ? "" : `${where.map(escapeText).join(", ")}: `;
  return `weightmark: ${prefix}${escapeText(message)} (${code})\n${escapeText(detail)}\n`;
}

function escapeLines(text: string): string {
  return text.split("\n").map(escapeText).join("\n");
}
