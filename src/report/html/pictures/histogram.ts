import { type Html, html } from "../markup.ts";
import { at, figure, place, scaleOver, xAxis } from "./picture.ts";

/** Counts in bins of one width, and the place of what is held against them. */
export interface Histogram {
  readonly title: string;
  readonly axis: string;
  readonly low: number;
  readonly width: number;
  readonly counts: readonly number[];
  readonly observed: number;
  readonly observedName: string;
  readonly caption: string;
}

/** More of them make bars that nobody sees. */
const MOST_BINS = 1024;
const BASELINE = 132;
const TOP = 26;

export function histogram(given: Histogram): Html | null {
  const { low, width, counts, observed } = given;
  const end = low + width * counts.length;
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const scale = scaleOver([low, end, observed], 0.05);
  if (counts.length === 0 || counts.length > MOST_BINS || !(most > 0) || scale === null) return null;
  const bars = counts.flatMap((count, i) => {
    if (count === 0) return [];
    const [x, next] = [place(scale, low + i * width), place(scale, low + (i + 1) * width)];
    const height = at((count / most) * (BASELINE - TOP - 14));
    return html`<path class="null" d="M${x} ${BASELINE}v-${height}H${next}V${BASELINE}z"/>`;
  });
  const x = place(scale, observed);
  const isRight = x > 165;
  const label = html`<text class="${isRight ? "end" : ""}" x="${at(x + (isRight ? -6 : 6))}" y="${TOP - 8}">${given.observedName}: ${observed.toFixed(1)}</text>`;
  const words = `counts between ${low} and ${at(end)}, ${given.observedName} at ${observed.toFixed(1)}`;
  return figure(
    given.title,
    words,
    BASELINE + 38,
    html`${bars}${xAxis(scale, BASELINE, given.axis)}<path class="mark" d="M${x} ${BASELINE}V${TOP - 18}"/>${label}`,
    given.caption,
  );
}
