import { type Html, html, type Part } from "./markup.ts";

/** One column of a table. */
export interface Column {
  readonly head: string;
  readonly kind?: "number" | "wide";
}

/** A cell, and what it is sorted by where that is not its text. */
export interface Cell {
  readonly shown: Part;
  readonly key: number;
}

export type Row = readonly (Part | Cell)[];

export function section(heading: string, ...parts: readonly Part[]): Html {
  return html`<section>
<h2>${heading}</h2>
${parts}</section>
`;
}

export function paragraph(...parts: readonly Part[]): Html {
  return html`<p>${parts}</p>\n`;
}

export function list(items: readonly Part[]): Html | null {
  return items.length === 0 ? null : html`<ul>\n${items.map((item) => html`<li>${item}</li>\n`)}</ul>\n`;
}

/** Names and what they stand for; pairs without a value are left out. */
export function facts(pairs: readonly (readonly [name: string, value: Part])[]): Html {
  const rows = pairs.filter(([, value]) => value !== null);
  return html`<dl>\n${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>\n`;
}

/** A table that scrolls in itself where it is wider than the page; nothing without rows. */
export function table(caption: string, columns: readonly Column[], rows: readonly Row[]): Html | null {
  if (rows.length === 0) return null;
  return html`${tableHead(caption, columns)}${rows.map((row) => tableRow(columns, row))}${TABLE_END}`;
}

/** The beginning of a table, for rows that are printed one by one. */
export function tableHead(
  caption: string,
  columns: readonly Column[],
  { sortable = false, tall = false }: { readonly sortable?: boolean; readonly tall?: boolean } = {},
): Html {
  return html`<div class="scroll${tall ? " tall" : ""}" tabindex="0" role="region" aria-label="${caption}"><table${sortable ? html` class="sortable"` : null}>
<caption><span>${caption}</span></caption>
<thead><tr>${columns.map(({ head, kind }) => html`<th scope="col"${classOf(kind)}>${head}</th>`)}</tr></thead>
<tbody>
`;
}

export const TABLE_END = html`</tbody></table></div>\n`;

export function tableRow(columns: readonly Column[], row: Row): Html {
  const cells = row.map((cell, i) => {
    const [shown, key] = isKeyed(cell) ? [cell.shown, html` data-key="${cell.key}"`] : [cell, null];
    return html`<td${classOf(columns[i]?.kind)}${key}>${shown}</td>`;
  });
  return html`<tr>${cells}</tr>\n`;
}

function classOf(kind: Column["kind"]): Html | null {
  return kind === undefined ? null : html` class="${kind}"`;
}

function isKeyed(cell: Part | Cell): cell is Cell {
  return typeof cell === "object" && cell !== null && "key" in cell;
}

/** The first things of a list in full, and how many more there are. */
export function atMost<T>(items: readonly T[], most: number): { readonly shown: readonly T[]; readonly more: number } {
  return { shown: items.slice(0, most), more: Math.max(0, items.length - most) };
}

/** What is said under a table of which a part is shown. */
export function moreText(more: number): Html | null {
  if (more === 0) return null;
  return paragraph(`${more.toLocaleString("en-US")} more are left out here; the JSON result names them.`);
}

/** Hexadecimal digits, which may break anywhere. */
export function hashText(digits: string | null): Html | null {
  return digits === null ? null : html`<span class="hash">${digits}</span>`;
}
