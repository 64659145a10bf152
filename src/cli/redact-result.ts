import { basename, posix, win32 } from "node:path";
import { splitInside } from "../bytes/inside-location.ts";
import { WeightmarkError } from "../errors.ts";
import type { HtmlResult } from "../report/index.ts";
import { PLACE_FIELDS } from "../report/place-fields.ts";
import { mapStrings, memberRedactor, pathRedactor, withoutPrefixes } from "./redact.ts";
import { isAddress, shownLocation } from "./remote.ts";

/** An adapter and its base, whose places are looked for each by itself. */
const PAIR = /\+(?:[/\\~.]|[A-Za-z]:)/;

/** Of one result: each is looked for in every text of it. */
const MAX_PLACES = 2000;

/**
 * A result that leaves of every path in it only the last part. The paths need not be of this machine, and none is looked for.
 *
 * @throws RESULT_TOO_LARGE
 */
export function redactResult(result: HtmlResult): HtmlResult {
  const here = pathRedactor(result.file === null ? [] : [result.file.name]);
  const file = result.file === null ? null : { ...result.file, name: basename(result.file.name) };
  const hidden = <T>(value: T): T => {
    const places = [...new Set(placesIn(value))].flatMap((place) => [place, ...place.split("+")]);
    const directories = new Set(places.filter((place) => !isAddress(place) && !PAIR.test(place)).map(directoryOf));
    const addresses = [...new Set(places)].filter((place) => isAddress(place) && shownLocation(place) !== place);
    const members = new Set(places.filter((place) => splitInside(place) !== null));
    if (directories.size + addresses.length + members.size > MAX_PLACES) {
      throw new WeightmarkError("RESULT_TOO_LARGE", `one result names files in more than ${MAX_PLACES} places`, {
        file: result.file?.name,
        detail: "Paths are left out of smaller results, or when they are computed.",
      });
    }
    const redact = withoutPrefixes([...directories].filter((one) => !/^(?:\.|(?:[A-Za-z]:)?)$/.test(one)));
    const withoutMembers = memberRedactor([...members]);
    const withoutSecrets = (text: string) =>
      addresses.reduce((shown, address) => shown.replaceAll(address, () => shownLocation(address)), text);
    return mapStrings(value, (text) => here(withoutMembers(redact(withoutSecrets(text)))));
  };
  if (result.scan === undefined) return { file, report: hidden(result.report) };
  const { summary, items } = result.scan;
  const hiddenItems = async function* () {
    for await (const item of items()) yield hidden(item);
  };
  return { file, scan: { summary: hidden(summary), items: hiddenItems } };
}

/** By the rules of the system that a path is of, which may be another one. */
function directoryOf(place: string): string {
  const path = splitInside(place)?.archive ?? place;
  const isForeign = /^(?:[A-Za-z]:|\\\\)/.test(path);
  // The root of a system or of a share ends with a sign that stands behind no other directory.
  return (isForeign ? win32 : posix).dirname(path).replace(/[/\\]$/, "");
}

/** Every path and address in a result. */
export function placesIn(value: unknown, isPlace = false): string[] {
  if (typeof value === "string") return isPlace ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => placesIn(item, isPlace));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => placesIn(item, PLACE_FIELDS.has(key)));
}
