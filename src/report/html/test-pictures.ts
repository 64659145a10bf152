import { formatNumber, formatP } from "../numbers.ts";
import { axisText, statisticText, type Test } from "../test-words.ts";
import type { Comparison } from "./comparison.ts";
import type { Html } from "./markup.ts";
import { asBars, fixedPointLaw, NORMAL, nullCurve } from "./pictures/null-curve.ts";

/** Pictures beyond which tables say it better. */
const MOST = 9;

/** The strongest tests, each on what chance alone gives; those whose p counts first. */
export function testPictures({ tests, components }: Comparison): (Html | null)[] {
  const drawable = tests.filter((test) => isNormal(test) || isFixedPoints(test));
  const strongest = [...drawable]
    .sort((a, b) => Number(b.exact) - Number(a.exact) || (a.log10P ?? 1) - (b.log10P ?? 1))
    .slice(0, MOST);
  return strongest.map((test) => picture(test, components.length > 1));
}

const isFixedPoints = (test: Test): boolean => test.fixedPoints !== undefined && test.m > 0 && test.n >= test.m;
const isNormal = (test: Test): boolean => test.z !== null && test.fixedPoints === undefined;

function picture(test: Test, isOneOfMany: boolean): Html | null {
  const of = isOneOfMany && test.seenFrom === undefined ? ` of ${test.component}` : "";
  const title = `${test.name}${test.turned === true ? ", turned" : ""}: ${axisText(test)}${of}`;
  const p = `${formatP(test.log10P)} (${test.exact ? "exact" : "asymptotic"})`;
  if (isFixedPoints(test)) {
    const curve = asBars(fixedPointLaw(test.m, test.n));
    const caption = `${statisticText(test)}, of ${test.m} that could be matched; ${formatNumber(test.m / test.n)} expected by chance. ${p}`;
    return nullCurve({ title, axis: "labels found in their place", curve, observed: test.fixedPoints!, caption });
  }
  const caption = `${statisticText(test)}; between -4 and 4 by chance. ${p}`;
  return nullCurve({ title, axis: "standard deviations from chance (z)", curve: NORMAL, observed: test.z!, caption });
}
