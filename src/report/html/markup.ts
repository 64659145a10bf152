import { escapeWithin } from "../escape.ts";

/** Longest text printed in full: sentences hold several names. */
const MAX_SHOWN = 2000;

const ENTITIES = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
  ["`", "&#96;"],
]);

/** Markup that is safe to print. Only the tag below makes it, and `trusted` of what stands in this program's own files. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type Part = Html | string | number | null | readonly Part[];

/**
 * Markup of which everything that is put in is text, never markup: what cannot be seen is written as \u{HEX}, and what means
 * something to HTML as an entity, for the inside of elements and of quoted attributes alike. Null puts in nothing.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + shown(parts[i - 1]!) + string));
}

/** What stands in this program's own files: a style sheet, a script. Nothing that was read. */
export function trusted(text: string): Html {
  return new Html(text);
}

function shown(part: Part): string {
  if (part === null) return "";
  if (part instanceof Html) return part.toString();
  if (typeof part === "object") return part.map(shown).join("");
  return escapeWithin(String(part), MAX_SHOWN).replaceAll(/[&<>"'`]/g, (char) => ENTITIES.get(char)!);
}

/** A name of somebody else's: its direction of writing ends where it ends. */
export function named(name: string): Html {
  return html`<bdi>${name}</bdi>`;
}
