import type { TakenResult } from "./case-document.ts";
import { redactPlaces } from "./redact-places.ts";

/** Fields that may differ between two runs of the same: where things lay, when, how much was read, and who computed it. */
const APART = new Set(["location", "tool", "startedAt", "finishedAt", "bytesRead"]);
/** What a result is known by, of the values in it. */
const VERDICTS = new Set(["/verdict", "/present", "/level"]);
const DIGESTS = /^\/(?:inputs\/\w+|registry)\/(?:sampledRoot|contentRoot|manifestRoot|digest)$/;
/** Of two numbers, relative to the larger: other processors and releases of Node round elsewhere in the last digits. */
const TOLERANCE = 1e-6;
/** Numbers below are taken for as large. */
const SMALL = 1e-3;
const MOST_SHOWN = 5;
/** What a caveat calls an option: the library by its name in code, the command line by its flag. */
const OPTION = /`[^`]*`|--[a-z-]+(?: or --[a-z-]+)?(?: (?:\[HOST:\]PORT|[A-Z]+|full|sampled|strong)\b)?/g;

export interface ResultDifference {
  /** What differs, in sentences; none where nothing does. */
  readonly differs: readonly string[];
  /** What another release of the tool tells beyond, in a sentence; none where it does not. */
  readonly more: readonly string[];
}

/**
 * How a result that was computed again differs from the recorded one. Paths are left out of both, and numbers are the same
 * within one part in a million.
 *
 * @param isSameTool whether one tool computed both: of two, the one may tell fields that the other has not
 */
export function diffResults(recorded: TakenResult, again: TakenResult, isSameTool: boolean): ResultDifference {
  const more: string[] = [];
  const verdicts: string[] = [];
  const digests: string[] = [];
  const others: string[] = [];

  function walk(was: unknown, is: unknown, path: string): void {
    if (isObject(was) && isObject(is)) {
      for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
        const there = `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        if (APART.has(key)) continue;
        if (!isSameTool && !(key in was)) more.push(there);
        else walk(was[key], is[key], there);
      }
    } else if (Array.isArray(was) && Array.isArray(is)) {
      for (let i = 0; i < Math.max(was.length, is.length); i++) walk(was[i], is[i], `${path}/${i}`);
    } else if (!areSame(was, is) && !(path.includes("/caveats/") && areSaid(was, is))) {
      if (VERDICTS.has(path)) verdicts.push(`${path.slice(1)} differs: recorded ${String(was)}, now ${String(is)}`);
      else (DIGESTS.test(path) ? digests : others).push(path);
    }
  }

  // Together, for either may repeat in a sentence what the other calls a place.
  const both = redactPlaces({ recorded, again });
  walk(both.recorded, both.again, "");
  const differs = [
    ...verdicts,
    ...(digests.length === 0 ? [] : [`inputs differ from what it was computed of (${listed(digests)})`]),
    ...(others.length === 0 ? [] : [`other values differ (${listed(others)})`]),
  ];
  return {
    differs,
    more: more.length === 0 ? [] : [`the tool here tells more than the recorded one did (${listed(more)})`],
  };
}

function areSame(was: unknown, is: unknown): boolean {
  if (was === is) return true;
  if (typeof was !== "number" || typeof is !== "number") return false;
  return Math.abs(was - is) <= TOLERANCE * Math.max(Math.abs(was), Math.abs(is), SMALL);
}

/** Whether two sentences are the same, whatever they call options. */
function areSaid(was: unknown, is: unknown): boolean {
  if (typeof was !== "string" || typeof is !== "string") return false;
  return was.replace(OPTION, "`option`") === is.replace(OPTION, "`option`");
}

function listed(paths: readonly string[]): string {
  const more = paths.length - MOST_SHOWN;
  return [...paths.slice(0, MOST_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
