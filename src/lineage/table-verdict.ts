import { sameTable } from "./component-content.ts";
import type { Pairing } from "./pairing.ts";
import type { Verdict } from "./result.ts";

/**
 * Tables alone decide nothing: two tables that were trained to one teacher, or whose columns were handed in from outside,
 * agree column by column though neither comes from the other. Equal ones are the same table, no matter who had it first.
 */
export function judgeTables<T>(
  pairing: Pairing,
  log10P: number | null,
  rejected: boolean,
  finding: (verdict: Verdict, reason: string | null) => T,
): T {
  const same = pairing.pairs.filter(({ suspect, base }) => sameTable(suspect, base));
  if (same.length > 0) {
    const equal = same.every(({ suspect, base }) => suspect.digest.f32 === base.digest.f32);
    const which =
      same.length === pairing.pairs.length ? "the table is" : `${same.length} of ${pairing.pairs.length} tables are`;
    return finding(equal ? "identical" : "recast", `${which} the same wherever sampled`);
  }
  if (rejected) {
    return finding(
      "not-testable",
      "tables agree column by column, which a common teacher or given columns explain as well",
    );
  }
  return finding(log10P === null ? "not-testable" : "no-evidence", log10P === null ? "no table can be compared" : null);
}
