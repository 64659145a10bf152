import { VERDICT_ORDER, type Verdict } from "../../lineage/result.ts";
import type { ScanItem, ScanMatch } from "../../scan/item.ts";
import { escapeText } from "../escape.ts";

/** Verdicts that say something of where weights come from. The others are silence, which proves nothing either way. */
export const ACCUSING = ["identical", "recast", "derived", "shared-init"] as const satisfies readonly Verdict[];
export type Accusing = (typeof ACCUSING)[number];

export function isAccusing(verdict: Verdict | null): verdict is Accusing {
  return verdict !== null && (ACCUSING as readonly Verdict[]).includes(verdict);
}

/** Whether an item is worth a line of its own: shared weights, or a mark. */
export function isFinding(item: {
  readonly verdict: Verdict | null;
  readonly marks: readonly { readonly present: boolean }[];
}): boolean {
  return isAccusing(item.verdict) || item.marks.some(({ present }) => present);
}

/** How the model stands to a base, in words that claim no more than was shown; for a terminal, so names are escaped. */
export function relationText(match: Pick<ScanMatch, "name" | "verdict" | "direction" | "claim">): string {
  const { name, verdict, direction, claim } = match;
  if (claim !== undefined) return escapeText(claim);
  const base = escapeText(name);
  switch (verdict) {
    case "identical":
      return `is equal to ${base} wherever sampled`;
    case "recast":
      return `is ${base} in another number format, wherever sampled`;
    case "derived":
      if (direction === "suspect-from-base") return `derives from ${base}`;
      if (direction === "base-from-suspect") return `${base} derives from it`;
      return `shares trained weights with ${base}, direction not established`;
    case "shared-init":
      return `goes back at least to the same initial weights as ${base}; that trained weights are shared is not shown`;
    case "no-evidence":
      return "no registered base was recognised";
    case "not-testable":
      return "cannot be tested";
  }
}

/** The strongest findings of any number of items, in bounded memory and whatever order the items come in. */
export class TopFindings {
  readonly #limit: number;
  #kept: ScanItem[] = [];
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** All findings, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** Strongest first. */
  get items(): readonly ScanItem[] {
    return this.#kept;
  }

  add(item: ScanItem): void {
    if (!isFinding(item)) return;
    this.#count += 1;
    this.#kept = [...this.#kept, item].sort(byStrength).slice(0, this.#limit);
  }
}

/** Marks before verdicts, stronger verdicts before weaker, smaller p before larger; ids decide the rest. */
function byStrength(a: ScanItem, b: ScanItem): number {
  const [x, y] = [strength(a), strength(b)];
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function strength(item: ScanItem): number[] {
  const marked = item.marks.some(({ present }) => present) ? 0 : 1;
  const rank = item.verdict === null ? VERDICT_ORDER.length : VERDICT_ORDER.indexOf(item.verdict);
  // Duplicates repeat an answer that stands in the list already.
  return [marked, rank, item.status === "duplicate" ? 1 : 0, item.matches[0]?.log10P ?? 0];
}
