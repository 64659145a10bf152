import type { ScanItem } from "./item.ts";
import type { ScanTarget } from "./target.ts";

/** Gets targets done and results stored, here or elsewhere. */
export interface Work {
  /** Targets that may be listed ahead of their results. */
  readonly ahead: number;
  /** Takes a target; false when it was taken before. */
  add(target: ScanTarget): Promise<boolean>;
  /** There will be no more targets, but for those that a result brings up. */
  end(): void;
  /**
   * Ends when everything taken is over, or early when `signal` is aborted.
   *
   * @param onItem told every stored result, once and synchronously: it may add targets
   */
  run(onItem: (item: ScanItem) => void, signal: AbortSignal): Promise<void>;
}
