import { escapeWithin } from "../escape.ts";

const LONGEST = 4000;

/** A property of a name in this tool's own namespace. */
export function property(name: string, value: string): { readonly name: string; readonly value: string } {
  return { name: `weightmark:${name}`, value };
}

/** Sentences with names of strangers in them. */
export function shown(text: string): string {
  return escapeWithin(text, LONGEST);
}

/** The standard allows versions 1,024 characters, and results hold what their writers liked. */
export function versionText(version: string): string {
  return escapeWithin(version, 1000);
}

/** What a document calls the tool of a version. */
export function toolRef(version: string): string {
  return `weightmark@${version}`;
}
