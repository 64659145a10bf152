import { basename, dirname } from "node:path";
import type { HtmlResult } from "../report/index.ts";
import { PLACE_FIELDS } from "../report/place-fields.ts";
import { mapStrings, pathRedactor, withoutPrefixes } from "./redact.ts";
import { isAddress } from "./remote.ts";

/** A result that leaves of every path in it only the last part. The paths need not be of this machine, and none is looked for. */
export function redactResult(result: HtmlResult): HtmlResult {
  const here = pathRedactor(result.file === null ? [] : [result.file.name]);
  const file = result.file === null ? null : { ...result.file, name: basename(result.file.name) };
  const hidden = <T>(value: T): T => {
    const prefixes = new Set(placesIn(value).map((place) => dirname(place)));
    const redact = withoutPrefixes([...prefixes].filter((prefix) => prefix !== "." && prefix !== dirname(prefix)));
    return mapStrings(value, (text) => here(redact(text)));
  };
  if (result.scan === undefined) return { file, report: hidden(result.report) };
  const { summary, items } = result.scan;
  const hiddenItems = async function* () {
    for await (const item of items()) yield hidden(item);
  };
  return { file, scan: { summary: hidden(summary), items: hiddenItems } };
}

function placesIn(value: unknown, isPlace = false): string[] {
  if (typeof value === "string") return isPlace && !isAddress(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => placesIn(item, isPlace));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => placesIn(item, PLACE_FIELDS.has(key)));
}
