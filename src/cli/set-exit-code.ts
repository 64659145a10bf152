/** The exit code a command's action ends with: 0, or 1 for findings. */
export type SetExitCode = (code: number) => void;
