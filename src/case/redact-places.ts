import { splitInside } from "../bytes/inside-location.ts";
import { isRemoteLocation, shownLocation } from "../checkpoint/location.ts";
import { WeightmarkError } from "../errors.ts";
import { PLACE_FIELDS } from "../report/place-fields.ts";

/** What begins a path that tells where on a machine something lies, whoever reads it. */
const ABSOLUTE = /^(?:[/\\~]|[A-Za-z]:[/\\])/;
/** Of one result: each is looked for in every sentence, which may be as long as a case. */
const MAX_PLACES = 500;

/**
 * A value with every path of this or another machine reduced to its last part, wherever it stands: in the fields that hold
 * places and in sentences that repeat them. Addresses are public and stay. Nothing is looked up on this machine, and reducing
 * twice is reducing once.
 *
 * @throws CASE_LIMIT
 */
export function redactPlaces<T>(value: T): T {
  const places = new Set<string>();
  collect(value, false, places);
  const longestFirst = (a: string, b: string) => b.length - a.length || (a < b ? -1 : 1);
  // Sentences name what lies in an archive behind the bare name of it, and an adapter and its base by themselves.
  const members = [...places].flatMap((place) => splitInside(place)?.inside ?? []);
  const sides = [...places].flatMap((place) => sidesOf(shownPlace(place)));
  const paths = [...new Set([...places, ...members, ...sides])]
    .filter((place) => lastPart(place) !== place)
    .sort(longestFirst);
  if (paths.length > MAX_PLACES) {
    throw new WeightmarkError("CASE_LIMIT", `one result names more than ${MAX_PLACES} paths`);
  }
  const directories = new Set(paths.map(directoryOf));
  const prefixes = [...directories].filter((one) => ABSOLUTE.test(one) && one.length > 1).sort(longestFirst);
  return reduced(value, false, (text) => {
    let shown = text;
    for (const path of paths) shown = shown.replaceAll(path, () => lastPart(path));
    for (const prefix of prefixes) shown = shown.replaceAll(prefix, "");
    return shown;
  }) as T;
}

function collect(value: unknown, isPlace: boolean, places: Set<string>): void {
  if (typeof value === "string") {
    if (isPlace) places.add(value);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, isPlace, places);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) collect(item, PLACE_FIELDS.has(key), places);
  }
}

function reduced(value: unknown, isPlace: boolean, sentence: (text: string) => string): unknown {
  if (typeof value === "string") return isPlace ? lastPart(value) : sentence(value);
  if (Array.isArray(value)) return value.map((item) => reduced(item, isPlace, sentence));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    // What a schema is called has a slash as well, and is no path.
    Object.entries(value).map(([key, item]) => [
      key,
      key === "schema" ? item : reduced(item, PLACE_FIELDS.has(key), sentence),
    ]),
  );
}

/** The last part of a path, of an adapter and its base of both; an address as it is, but for what may be a secret in it. */
export function lastPart(place: string): string {
  const shown = shownPlace(place);
  const sides = sidesOf(shown);
  if (sides.length === 1 && isRemoteLocation(shown)) return shown;
  return sides
    .map((part) => (isRemoteLocation(part) ? shownLocation(part) : part.slice(nameStart(part), nameEnd(part)) || part))
    .join("+");
}

/** Once of the whole, so that nothing more is cut where this is done again. */
function shownPlace(place: string): string {
  return isRemoteLocation(place) ? shownLocation(place) : place;
}

/** An adapter and its base, of a path that may be both; an address in which no path begins is one thing. */
function sidesOf(place: string): string[] {
  return isRemoteLocation(place) && !/\+[/\\~.]/.test(place) ? [place] : place.split("+");
}

function directoryOf(path: string): string {
  return path.slice(0, nameStart(path));
}

const isSeparator = (char: string | undefined) => char === "/" || char === "\\";

/** Where the last part that has any character ends. By hand: an expression would take the square of a hostile length. */
function nameEnd(path: string): number {
  let end = path.length;
  while (end > 0 && isSeparator(path[end - 1])) end--;
  return end;
}

function nameStart(path: string): number {
  let start = nameEnd(path);
  while (start > 0 && !isSeparator(path[start - 1])) start--;
  return start;
}
