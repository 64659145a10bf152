import { ERRORS } from "../../errors.ts";
import { escapeText } from "../escape.ts";
import { type Style, section } from "./style.ts";

/** What to do next about each of these codes, once, in code-unit order. Reports of newer versions may have codes unknown here. */
export function adviceText(codes: Iterable<string>, style: Style): string[] {
  const known = new Map<string, { readonly advice: string }>(Object.entries(ERRORS));
  const lines = [...new Set(codes)].sort().flatMap((code) => {
    const advice = known.get(code)?.advice;
    return advice === undefined ? [] : [`  - ${escapeText(code)}: ${advice}`];
  });
  return section("What to do next", lines, style);
}
