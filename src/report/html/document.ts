import { createHash } from "node:crypto";
import { type Html, html, type Part, trusted } from "./markup.ts";
import { SORT_SCRIPT } from "./sort-script.ts";
import { STYLE_SHEET } from "./style-sheet.ts";

/** What stands before and after the body of a report. */
export interface Frame {
  readonly before: Html;
  readonly after: Html;
}

/**
 * A page by itself: nothing is loaded, nothing but the style sheet (and where tables can be sorted, the script) that stands in
 * it may have any effect, whatever names of models would like to be.
 */
export function frame(title: string, header: Part, footer: Part, { sortable }: { readonly sortable: boolean }): Frame {
  const policy = [
    "default-src 'none'",
    `style-src ${hashSource(STYLE_SHEET)}`,
    ...(sortable ? [`script-src ${hashSource(SORT_SCRIPT)}`] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // The hashes are of the program's own text, and a quote in an attribute may stand as an entity.
  const before = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${trusted(STYLE_SHEET)}</style>
</head>
<body>
<header>${header}</header>
<main>
`;
  const script = sortable ? html`<script>${trusted(SORT_SCRIPT)}</script>\n` : null;
  const after = html`</main>
<footer>${footer}</footer>
${script}</body>
</html>
`;
  return { before, after };
}

function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
