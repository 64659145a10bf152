import { type Html, html } from "../markup.ts";
import { at, figure, place, ticks, WIDTH } from "./picture.ts";

const [TOP, BOTTOM, LEFT] = [14, 150, 40] as const;
/** Values that are drawn: further ones would hide one another. */
const MOST_PLACES = 72;
const MOST_SPECTRA = 64;
const MOST_SIZE = 1e12;

/**
 * Singular values by their place, on a scale of powers of ten, with a line at 1, where noise ends; every spectrum as dots.
 * Null where nothing can be drawn.
 */
export function spectrum(
  title: string,
  words: string,
  caption: string,
  spectra: readonly (readonly (number | null)[])[],
): Html | null {
  const dots = spectra
    .slice(0, MOST_SPECTRA)
    .flatMap((values) =>
      values
        .slice(0, MOST_PLACES)
        .flatMap((value, i) => (value !== null && value > 1 / MOST_SIZE && value < MOST_SIZE ? [{ i, value }] : [])),
    );
  if (dots.length === 0) return null;
  const powers = dots.map(({ value }) => Math.log10(value));
  const [least, most] = [Math.min(-0.3, ...powers), Math.max(0.3, ...powers)];
  const y = (power: number): number => at(BOTTOM - ((power - least) / (most - least)) * (BOTTOM - TOP));
  const last = Math.max(...dots.map(({ i }) => i)) + 1;
  const scale = { low: 0.5, high: last + 0.5, from: LEFT, to: WIDTH - 8 };
  const marks = [...new Set([1, ...ticks(0.5, last + 0.5).filter((tick) => Number.isInteger(tick) && tick > 0)])];
  const axis = marks.map((tick) => {
    const x = place(scale, tick);
    return html`<path class="axis" d="M${x} ${BOTTOM}v4"/><text class="dim mid" x="${x}" y="${BOTTOM + 15}">${tick}</text>`;
  });
  const levels = Array.from({ length: Math.floor(most) - Math.ceil(least) + 1 }, (_, i) => Math.ceil(least) + i);
  const names = levels.map(
    (power) =>
      html`<text class="dim end" x="${LEFT - 5}" y="${at(y(power) + 4)}">${Math.abs(power) > 4 ? `10^${power}` : String(10 ** power)}</text>`,
  );
  const points = dots.map(({ i, value }) => {
    return html`<circle class="dot" cx="${place(scale, i + 1)}" cy="${y(Math.log10(value))}" r="2"/>`;
  });
  return figure(
    title,
    words,
    BOTTOM + 38,
    html`<path class="axis" d="M${LEFT} ${TOP}V${BOTTOM}H${WIDTH - 8}"/><path class="grid" d="M${LEFT} ${y(0)}H${WIDTH - 8}"/>${names}${axis}${points}<text class="dim mid" x="${at((LEFT + WIDTH) / 2)}" y="${BOTTOM + 29}">place of the singular value</text>`,
    caption,
  );
}
