import { type Html, html, type Part } from "../markup.ts";

/** Pictures are as wide as the narrowest screen, so that their letters keep a size that can be read. */
export const WIDTH = 330;

/** A picture with its title, what it shows in words for those who do not see it, and a caption with the numbers. */
export function figure(title: string, words: string, height: number, parts: Part, caption: Part): Html {
  return html`<figure>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}: ${words}">${parts}</svg>
<figcaption><strong>${title}.</strong> ${caption}</figcaption>
</figure>
`;
}

export function figures(pictures: readonly (Html | null)[]): Html | null {
  const drawn = pictures.filter((one) => one !== null);
  return drawn.length === 0 ? null : html`<div class="figures">\n${drawn}</div>\n`;
}

/** A coordinate: two digits are finer than any screen. */
export function at(value: number): number {
  return Number(value.toFixed(2)) + 0;
}

export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly from: number;
  readonly to: number;
}

/** Beyond this a picture has nothing to show, and its coordinates no digits. */
const MOST = 1e12;

/** A scale over values with room on both sides, as a share of what they span; null where they cannot be drawn. */
export function scaleOver(values: readonly number[], room: number): Scale | null {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low;
  if (!(low >= -MOST && high <= MOST) || (span > 0 && span < 1e-6 * Math.max(-low, high))) return null;
  const beside = room * (span || 1);
  return { low: low - beside, high: high + beside, from: 8, to: WIDTH - 8 };
}

export function place({ low, high, from, to }: Scale, value: number): number {
  return at(from + ((value - low) / (high - low)) * (to - from));
}

/** A few round numbers that cover a range, its ends excepted where they are not round. */
export function ticks(low: number, high: number, most = 5): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [];
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  // The product is rounded, for 3 * 0.1 is not 0.3.
  return Array.from({ length: Math.min(count, 20) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The horizontal axis below a picture. */
export function xAxis(scale: Scale, y: number, label: string): Html {
  const marks = ticks(scale.low, scale.high).map((tick) => {
    const x = place(scale, tick);
    const text = tick.toLocaleString("en-US");
    return html`<path class="axis" d="M${x} ${y}v4"/><text class="dim mid" x="${x}" y="${y + 15}">${text}</text>`;
  });
  const middle = at((scale.from + scale.to) / 2);
  return html`<path class="axis" d="M${scale.from} ${y}H${scale.to}"/>${marks}<text class="dim mid" x="${middle}" y="${y + 29}">${label}</text>`;
}
