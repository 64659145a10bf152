import { type Html, html } from "../markup.ts";
import { at, figure, place, scaleOver, xAxis } from "./picture.ts";

/** A statistic, and how it is distributed where nothing is shared. */
export interface NullPicture {
  readonly title: string;
  readonly axis: string;
  /** Points of the curve from left to right; heights are relative. */
  readonly curve: readonly (readonly [x: number, height: number])[];
  readonly observed: number;
  readonly caption: string;
}

const HEIGHT = 150;
const BASELINE = 112;
const TOP = 26;
/** Room beyond what is shown, as a share of it. */
const MARGIN = 0.06;

/** What chance alone would give as a hill, and what was found as a line. */
export function nullCurve({ title, axis, curve, observed, caption }: NullPicture): Html | null {
  const scale = scaleOver([...curve.map(([x]) => x), observed], MARGIN);
  if (curve.length < 2 || scale === null) return null;
  const highest = Math.max(...curve.map(([, height]) => height));
  const points = curve.map(([x, height]) => {
    return `L${place(scale, x)} ${at(BASELINE - (height / highest) * (BASELINE - TOP - 14))}`;
  });
  const [first, last] = [place(scale, curve[0]![0]), place(scale, curve.at(-1)![0])];
  const x = place(scale, observed);
  // A label beside its line, on the side where there is room.
  const isRight = x > 165;
  const label = html`<text class="${isRight ? "end" : ""}" x="${at(x + (isRight ? -6 : 6))}" y="${TOP - 8}">found: ${round(observed)}</text>`;
  const chance = html`<text class="dim${first > 200 ? " end" : ""}" x="${at(first > 200 ? last : first)}" y="${TOP + 8}">by chance</text>`;
  const words = `what chance alone gives lies between ${round(curve[0]![0])} and ${round(curve.at(-1)![0])}; found was ${round(observed)}`;
  return figure(
    title,
    words,
    HEIGHT,
    html`<path class="null" d="M${first} ${BASELINE}${points}L${last} ${BASELINE}z"/>${xAxis(scale, BASELINE, axis)}<path class="mark" d="M${x} ${BASELINE}V${TOP - 18}"/>${label}${chance}`,
    caption,
  );
}

function round(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString("en-US");
}

/** The normal law, four standard deviations either way. */
export const NORMAL: NullPicture["curve"] = Array.from({ length: 65 }, (_, i) => {
  const z = (i - 32) / 8;
  return [z, Math.exp((-z * z) / 2)] as const;
});

/**
 * Fixed points of k chosen labels among n under a uniformly random renumbering, exactly: by inclusion and exclusion over
 * S_j = C(k, j) (n - j)! / n!, P(K = i) = sum over j >= i of (-1)^(j - i) C(j, i) S_j (Feller 1968, IV.3).
 *
 * @returns P(K = i) for i = 0, 1 ... as long as P(K >= i) <= S_i is above 1e-6, 24 at most
 */
export function fixedPointLaw(k: number, n: number): number[] {
  const most = Math.min(k, 40);
  const sums = [1];
  for (let j = 1; j <= most; j++) sums.push((sums[j - 1]! * (k - j + 1)) / (j * (n - j + 1)));
  const law: number[] = [];
  for (let i = 0; i <= Math.min(most, 24); i++) {
    let p = 0;
    let choose = 1;
    for (let j = i; j <= most; j++) {
      p += ((j - i) % 2 === 0 ? 1 : -1) * choose * sums[j]!;
      choose = (choose * (j + 1)) / (j + 1 - i);
    }
    if (i > 1 && sums[i]! < 1e-6) break;
    law.push(Math.max(0, p));
  }
  return law;
}

/** The bars of a law on 0, 1, 2 ... as a curve. */
export function asBars(law: readonly number[]): NullPicture["curve"] {
  return law.flatMap((p, i) => [[i - 0.5, p] as const, [i + 0.5, p] as const]);
}
