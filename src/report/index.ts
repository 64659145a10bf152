/** Results as reports: JSON by published schemas, and text for people. */
export * from "./build.ts";
export { escapeText, toJson } from "./escape.ts";
export { type HtmlResult, htmlPieces, type ResultFile, renderHtml } from "./html/render-html.ts";
export type { HtmlScan } from "./html/scan-page.ts";
export { readResults, requireResultSize } from "./read-results.ts";
export { scanItemReport, scanSummaryReport, scanTargetReport } from "./scan/build.ts";
export type * from "./schemas/index.ts";
export { jsonSchemas } from "./schemas/index.ts";
export { renderText } from "./text/render-text.ts";
