import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { type ComponentTests, testComponent } from "./component-test.ts";
import type { Axis } from "./matrix-pair.ts";
import { sortedAxes, unsortedChannels } from "./order-guard.ts";
import type { Pairing } from "./pairing.ts";
import { LOG10_THRESHOLD } from "./result.ts";

/** What tests of one component share. */
export interface TestOptions {
  readonly monteCarlo: boolean;
  /** log10 of how many hypotheses (bases, components, attempts) share this error budget. */
  readonly log10Hypotheses: number;
}

/** The best of several ways, with its p corrected for all that was tried. */
export interface Tried {
  readonly pairing: Pairing;
  readonly tested: ComponentTests;
  readonly excluded: ReadonlySet<Axis>;
  readonly log10P: number | null;
  /** The smallest that log10P could have been. */
  readonly reach: number;
}

/** Tests every way; excluded are axes whose labels carry an order of their own. */
export function testWays(
  suspect: Fingerprint,
  base: Fingerprint,
  ways: readonly Pairing[],
  options: TestOptions,
  ordered: ReadonlySet<Axis>,
): Tried {
  const tried = ways.map((pairing): Tried => {
    const excluded = new Set([...ordered, ...sortedAxes(suspect, base, pairing.pairs)]);
    const tested = testComponent(unsortedChannels(pairing.pairs), {
      component: pairing.component,
      monteCarlo: options.monteCarlo,
      excluded,
      log10Candidates: pairing.log10Candidates ?? 0,
    });
    const log10Tried = pairing.log10Tried + Math.log10(ways.length) + options.log10Hypotheses;
    const corrected = (log10P: number): number => Math.min(0, log10P + log10Tried);
    const log10P = tested.log10P === null ? null : corrected(tested.log10P);
    return { pairing, tested, excluded, log10P, reach: corrected(tested.reach) };
  });
  return tried.reduce((a, b) => (isBetter(b, a) ? b : a));
}

/** By this much more of the signs must agree before one way to lay layers over layers is preferred to another that claims too. */
const CLEARLY_MORE = 0.02;

/** The smaller p; where both ways claim, p is at its floor, and the layers that agree more are the right ones. Ties stay. */
function isBetter(a: Tried, b: Tried): boolean {
  const claims = ({ log10P }: Tried): boolean => log10P !== null && log10P <= LOG10_THRESHOLD;
  if (claims(a) && claims(b)) {
    const more = agreementOf(a.pairing) - agreementOf(b.pairing);
    if (Math.abs(more) > CLEARLY_MORE) return more > 0;
  }
  return (a.log10P ?? 1) < (b.log10P ?? 1);
}

function agreementOf({ layers }: Pairing): number {
  return layers.reduce((sum, { agreement }) => sum + (agreement ?? 0), 0) / Math.max(1, layers.length);
}
