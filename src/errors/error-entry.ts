/** What is known of an error code before anything has gone wrong. */
export interface ErrorEntry {
  /** The process exit code: 2 usage, 3 input malformed or refused, 4 nothing to do, 5 incomplete, 70 a bug. */
  readonly exit: number;
  /** What went wrong, without a full stop: a phrase for a table. */
  readonly meaning: string;
  /** What to do next, whole sentences. True wherever the code is thrown; who throws it may know better and say so. */
  readonly advice: string;
}
