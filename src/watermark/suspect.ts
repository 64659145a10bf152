import type { SyncReport } from "../alignment/report.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Carrier } from "./carriers/carrier.ts";
import type { Focus } from "./host/rivals/settle.ts";

export interface ReadingOptions {
  /** Worker threads; 0 works on this thread. The result never depends on it. @default 2 */
  readonly threads?: number | undefined;
  /** Bytes read and to be read, of the carrier that reads most. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One way of looking for a mark: in a model's own weights, or in its difference to a public base. */
export interface ReadingMode {
  readonly name: "release" | "derivative";
  /** Whether what was read is in the order of the marked copy, so that nothing was hidden by a new one. */
  readonly isAligned: boolean;
  read(model: Checkpoint): Promise<Suspect>;
  /** As far as `focus` admits layers, and nothing else: enough to choose among tensors that claim one place. */
  readFocused(model: Checkpoint, focus: Focus): Promise<readonly Carrier[]>;
  /** @throws CHANGED_DURING_READ */
  verifyUnchanged(): Promise<void>;
}

/** A model as the key found it. */
export interface Suspect {
  readonly carriers: readonly Carrier[];
  /** What a sketch had to undo; null without one. */
  readonly synchronised: SyncReport | null;
}
