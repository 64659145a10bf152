/**
 * Everything that is not plainly visible: controls (terminal escapes, CR), bidirectional overrides, zero-width and other
 * ignorable characters, line separators, lone surrogates, private and unassigned code points, spaces other than " ".
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

/** Longest name printed in full. */
const MAX_SHOWN = 300;

/**
 * A hostile string made safe for a terminal: what cannot be seen is written as \u{HEX}, the rest is as it was, and what
 * is too long is cut.
 */
export function escapeText(text: string): string {
  return escapeWithin(text, MAX_SHOWN);
}

/** The same, cut where it is longer than `most` code units. */
export function escapeWithin(text: string, most: number): string {
  const shown = text.replace(INVISIBLE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
  return shown.length > most ? `${[...shown.slice(0, most)].slice(0, -1).join("")}…` : shown;
}

/** JSON that is safe to print as well: the same value when parsed, with nothing invisible in it. */
export function toJson(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replace(INVISIBLE, (char) =>
    char === "\n"
      ? char
      : Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`).join(
          "",
        ),
  );
}
