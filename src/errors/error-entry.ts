/**
 * What kind of failure: `usage`, the caller asked for something that makes no sense; `refused`, the input is malformed or not
 * accepted, and will be again; `nothing`, there is nothing to do; `passing`, worth another try; `bug`, ours.
 */
export type ErrorKind = "usage" | "refused" | "nothing" | "passing" | "bug";

/** What is known of an error code before anything has gone wrong. */
export interface ErrorEntry {
  readonly kind: ErrorKind;
  /** What went wrong, without a full stop: a phrase for a table. */
  readonly meaning: string;
  /** What to do next, whole sentences. True wherever the code is thrown; who throws it may know better and say so. */
  readonly advice: string;
}
