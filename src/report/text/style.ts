/** Emphasis for terminals; every function is the identity where colour is off. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly accent: (text: string) => string;
}

const ansi = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;
const same = (text: string) => text;

export function style(colour: boolean): Style {
  if (!colour) return { bold: same, dim: same, accent: same };
  return { bold: ansi(1, 22), dim: ansi(2, 22), accent: ansi(36, 39) };
}

/** Columns aligned to the left, two spaces between; cells are escaped already. */
export function table(rows: readonly (readonly string[])[], indent = "  "): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows.map((row) => {
    const cells = row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!)));
    return `${indent}${cells.join("  ")}`.trimEnd();
  });
}

/** A heading and its lines; nothing when there are none. */
export function section(heading: string, lines: readonly string[], { bold }: Style): string[] {
  return lines.length === 0 ? [] : ["", bold(heading), ...lines];
}

/** The first `limit` lines, and how many more there are. */
export function atMost(lines: readonly string[], limit: number): string[] {
  if (lines.length <= limit) return [...lines];
  return [...lines.slice(0, limit - 1), `  and ${lines.length - limit + 1} more, which the JSON report names`];
}
