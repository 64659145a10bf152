import { ERRORS, type ErrorCode, type ErrorKind } from "../errors.ts";

/** How a process ends by the kind of what went wrong; 0 and 1, without and with findings, are no errors. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  usage: 2,
  refused: 3,
  nothing: 4,
  passing: 5,
  bug: 70,
};

export function exitCodeOf(code: ErrorCode): number {
  return EXIT_CODES[ERRORS[code].kind];
}

/** From the best to the worst. */
const ORDER: readonly number[] = [
  0,
  1,
  EXIT_CODES.nothing,
  EXIT_CODES.usage,
  EXIT_CODES.refused,
  EXIT_CODES.bug,
  EXIT_CODES.passing,
];

/** The worse of two exit codes of one command. */
export function worseExitCode(a: number, b: number): number {
  return ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b;
}
