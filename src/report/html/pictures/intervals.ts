import { type Html, html } from "../markup.ts";
import { figure, place, scaleOver, xAxis } from "./picture.ts";

/** A figure with how far it is sure. */
export interface Interval {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const ROW = 30;
const MOST = 12;

/** Dots with their intervals below one another, names above each, and lines at 0 and at the other marks. */
export function intervals(
  title: string,
  axis: string,
  rows: readonly Interval[],
  caption: string,
  marks: readonly number[] = [],
): Html | null {
  const drawn = rows.slice(0, MOST);
  const scale = scaleOver([0, ...marks, ...drawn.flatMap(({ value, low, high }) => [value, low, high])], 0.03);
  if (drawn.length === 0 || scale === null) return null;
  const bottom = 12 + ROW * drawn.length;
  const parts = drawn.map((row, i) => {
    const y = 26 + ROW * i;
    const [from, to, x] = [place(scale, row.low), place(scale, row.high), place(scale, row.value)];
    return html`<text x="8" y="${y - 9}">${row.name}</text><path class="mark" d="M${from} ${y}H${to}M${from} ${y - 4}v8M${to} ${y - 4}v8"/><circle class="dot" cx="${x}" cy="${y}" r="4"/>`;
  });
  const lines = [0, ...marks].map((value) => html`<path class="grid" d="M${place(scale, value)} 4V${bottom}"/>`);
  const words = drawn.map(({ name, value }) => `${name} ${value.toFixed(2)}`).join("; ");
  return figure(title, words, bottom + 34, html`${lines}${parts}${xAxis(scale, bottom, axis)}`, caption);
}
