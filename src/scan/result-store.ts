import type { ScanItem } from "./item.ts";
import type { ScanParameters } from "./parameters.ts";

/** Where the results of one scan are kept: a journal in a file, or PostgreSQL. One contract, whatever keeps them. */
export interface ResultStore {
  /** What the scan was started with. */
  readonly parameters: ScanParameters;
  /** Whether `finish` was called, by us or before. */
  readonly complete: boolean;
  /**
   * Durable on return: neither a killed process nor a power cut loses it. The first result of a target stands, except that
   * any result replaces a failure that was passing; false when nothing was changed.
   */
  put(item: ScanItem): Promise<boolean>;
  /** Ids of the targets that need not be tried again: all with a result, but for passing failures. */
  finished(): Promise<ReadonlySet<string>>;
  /** The result of a target as it stands, or null. */
  get(id: string): Promise<ScanItem | null>;
  /** Every result once, by id in code-unit order, in bounded memory. */
  items(): AsyncIterable<ScanItem>;
  /** Marks the scan as complete, durably; `put` throws then (INTERNAL: the one who calls it has lost count). */
  finish(): Promise<void>;
  close(): Promise<void>;
}
