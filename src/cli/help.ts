/** Printed below the help of every command. */
export const EXIT_CODES = `
Exit codes:
  0   done, and nothing at or above --fail-on
  1   findings: the verdict is at or above --fail-on
  2   the command line is wrong
  3   the input is malformed or was refused, or the output could not be written
  4   nothing to do: the registry is empty, or nothing is there to scan
  5   incomplete: --timeout passed, the machine allows too little, or the scan can go on with --resume
  70  a bug in weightmark
  130 interrupted (143 when terminated)`;
