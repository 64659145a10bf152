import type { ComponentTests } from "./component-test.ts";
import type { Pairing } from "./pairing.ts";
import type { ComponentVerdict } from "./result.ts";
import type { SliceRetention } from "./retention.ts";
import type { Support } from "./support.ts";

/** A component's verdict with everything it rests on. */
export interface ComponentFinding {
  readonly verdict: ComponentVerdict;
  readonly pairing: Pairing;
  readonly tested: ComponentTests;
  readonly slices: readonly SliceRetention[];
  /** Whether training, and not only an initialisation, is shown to be shared. */
  readonly sharesTraining: boolean;
  /**
   * Whether training is shared as two runs of one recipe may share it: neither a parent nor what was done to it can be told then.
   */
  readonly isSimple: boolean;
  /** Whether equality alone says little: of a small part of either model, or of constants that any model may hold. */
  readonly isMinor: boolean;
  /** Stacks over which content found its pairs: of several no one is the part that is shared. */
  readonly stacks: number;
  /** Which of its layers agree, where that was asked. */
  readonly support: Support | null;
}
