import type { ScanItem } from "./item.ts";
import type { ScanTarget } from "./target.ts";

/** What a scan is to those who work for it. */
export interface Employer {
  /** Aborted: no more is wanted. */
  readonly signal: AbortSignal;
  /** Whether all targets have been listed: from now on results alone bring more of them. */
  readonly listedAll: boolean;
  /** Targets that wait for the answer of one that is out: they are in memory. */
  readonly waiting: number;
  /** Takes a result that is stored and that nothing will replace. Resolves when it is handed out. */
  arrive(item: ScanItem): Promise<void>;
}

/** Those who work on the targets of a scan: threads of this process, or workers that share a queue. */
export interface Hands {
  /** Takes a target, unless it is known. */
  give(target: ScanTarget): void;
  /** Resolves when one more target may be listed: what is out or waits is in memory. At once when the scan is stopped. */
  room(employer: Employer): Promise<void>;
  /** No more targets come from the list. */
  listed(): Promise<void>;
  /** Works until all is listed and nothing is out, or the scan is stopped. Throws what ends the scan. */
  work(employer: Employer): Promise<void>;
}
