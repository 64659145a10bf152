import type { Target } from "./targets.mjs";

export interface Outcome {
  readonly kind: "accepted" | "refused" | "skipped" | "find";
  readonly code?: string;
  readonly message?: string;
}

export function outcomeOf(target: Pick<Target, "check">, bytes: Uint8Array): Promise<Outcome>;
