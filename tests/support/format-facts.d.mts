/** What can be known of a format. */
export type Fact = "read" | "fingerprint" | "ranges" | "scan" | "mark" | "image";

export interface Format {
  readonly container: string;
  readonly scheme: string;
  readonly proves: readonly Fact[];
  /** How far values lie from what was stored, at most, as a part of their size. */
  readonly error: number;
  /** What holds it against the library that defines it, and what that file has in it. */
  readonly peer?: string;
  readonly of?: string;
  /** What a suite shows that the tests here do not: files of it, and what one of them has in it. */
  readonly suite?: { readonly facts: readonly Fact[]; readonly files: readonly string[]; readonly of: string };
}

/** The facts as tables call them. */
export const FACTS: Readonly<Record<Fact, string>>;
export const FORMATS: readonly Format[];
