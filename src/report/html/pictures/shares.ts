import { type Html, html } from "../markup.ts";
import { at, figure, WIDTH } from "./picture.ts";

/** A part of a whole. */
export interface Share {
  readonly name: string;
  /** From 0 to 1. */
  readonly value: number;
  /** The value as text, as it is to be read. */
  readonly text: string;
}

const ROW = 38;
const MOST = 12;
const LEFT = 8;
/** Letters of a name beside the text of its value. */
const NAME = 36;

/** A bar for each share, one below the other, on the ground of the whole. */
export function shares(title: string, rows: readonly Share[], caption: string): Html | null {
  const drawn = rows.filter(({ value }) => value >= 0 && value <= 1).slice(0, MOST);
  if (drawn.length === 0) return null;
  const width = WIDTH - 2 * LEFT;
  const bars = drawn.map(({ name, value, text }, i) => {
    const y = 18 + ROW * i;
    const filled =
      value === 0
        ? null
        : html`<path class="dot" d="M${LEFT} ${y + 6}h${at(value * width)}v9h-${at(value * width)}z"/>`;
    return html`<text x="${LEFT}" y="${y}">${cut(name)}</text><text class="end" x="${WIDTH - LEFT}" y="${y}">${text}</text><path class="null" d="M${LEFT} ${y + 6}h${width}v9h-${width}z"/>${filled}`;
  });
  const words = drawn.map(({ name, text }) => `${name} ${text}`).join("; ");
  return figure(title, words, 6 + ROW * drawn.length, html`${bars}`, caption);
}

/** The end of a name tells more than its beginning, which many share. */
function cut(name: string): string {
  const letters = [...name];
  return letters.length > NAME ? `…${letters.slice(1 - NAME).join("")}` : name;
}
