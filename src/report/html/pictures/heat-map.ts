import { type Html, html } from "../markup.ts";
import { at, figure, WIDTH } from "./picture.ts";

/** A grid of shades. Rows and columns are numbered from 0, by their names' places. */
export interface HeatMap {
  readonly title: string;
  readonly words: string;
  readonly caption: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly rowAxis: string;
  readonly columnAxis: string;
  /** Values from 0, the lightest shade, to 1. */
  readonly cells: readonly { readonly row: number; readonly column: number; readonly value: number }[];
  readonly scale: readonly [least: string, most: string];
}

const SHADES = 6;
/** Letters of a name beside a row. */
const NAME = 9;
/** More rows or columns make cells that nobody sees. */
export const MOST_CELLS_A_SIDE = 256;

/** Shades from light to dark, of one hue: they stay apart without colour vision and on paper. */
export function heatMap(map: HeatMap): Html | null {
  const { rows, columns, cells } = map;
  const longest = Math.max(rows.length, columns.length);
  if (cells.length === 0 || longest > MOST_CELLS_A_SIDE) return null;
  const left = rows.some((name) => name.length > 3) ? 70 : 56;
  const top = 34;
  const size = at(Math.min(28, (WIDTH - left - 10) / columns.length, 400 / rows.length));
  const gap = size > 6 ? 1 : 0;
  const shades = Array.from({ length: SHADES }, (): string[] => []);
  for (const { row, column, value } of cells) {
    const shade = Math.min(SHADES - 1, Math.max(0, Math.floor(value * SHADES)));
    const [x, y, side] = [at(left + column * size), at(top + row * size), at(size - gap)];
    shades[shade]!.push(`M${x} ${y}h${side}v${side}h-${side}z`);
  }
  const paths = shades.map((d, i) => (d.length === 0 ? null : html`<path class="h${i}" d="${d}"/>`));
  const bottom = at(top + rows.length * size);
  const right = at(left + columns.length * size);
  const border = html`<path class="grid" d="M${left} ${top}H${right}V${bottom}H${left}z"/>`;
  const rowNames = every(rows, size).map(
    ([i, name]) =>
      html`<text class="dim end" x="${left - 5}" y="${at(top + (i + 0.5) * size + 4)}">${short(name)}</text>`,
  );
  const columnNames = every(columns, size / 2.2).map(
    ([i, name]) => html`<text class="dim mid" x="${at(left + (i + 0.5) * size)}" y="${top - 5}">${short(name)}</text>`,
  );
  const heads = html`<text x="${left}" y="12">${map.columnAxis}</text><text class="dim end" x="${left - 5}" y="12">${map.rowAxis}</text>`;
  return figure(
    map.title,
    map.words,
    bottom + 34,
    html`${border}${paths}${rowNames}${columnNames}${heads}${legend(map.scale, bottom + 14)}`,
    map.caption,
  );
}

function legend([least, most]: HeatMap["scale"], y: number): Html {
  const boxes = Array.from({ length: SHADES }, (_, i) => {
    return html`<rect class="h${i}" x="${120 + 15 * i}" y="${y}" width="14" height="11"/>`;
  });
  return html`<text class="dim end" x="114" y="${y + 10}">${least}</text>${boxes}<text class="dim" x="${126 + 15 * SHADES}" y="${y + 10}">${most}</text>`;
}

/** As many names as there is room for, each with its place. */
function every(names: readonly string[], size: number): [number, string][] {
  const step = Math.max(1, Math.ceil(12 / size));
  return names.flatMap((name, i): [number, string][] => (i % step === 0 ? [[i, name]] : []));
}

function short(name: string): string {
  return name.length > NAME ? `${[...name.slice(0, NAME - 1)].join("")}…` : name;
}
