import { adapterAndBase } from "../checkpoint/adapter/pair-location.ts";
import { shownLocation } from "../checkpoint/location.ts";
import { WeightmarkError } from "../errors.ts";
import { subjectName } from "../lineage/subject-name.ts";
import { failedItem } from "./failure.ts";
import type { Found } from "./inputs.ts";
import { plainTarget } from "./target.ts";
import { secretRefusal } from "./web-target.ts";

/**
 * An adapter and its base as one target; null for a location of one model. Neither a digest nor files stand for it: it is read
 * whenever it is scanned.
 */
export function pairTarget(location: string): Found | null {
  const shown = shownLocation(location);
  try {
    if (adapterAndBase(location) === null) return null;
  } catch (error) {
    if (!(error instanceof WeightmarkError)) throw error;
    return failedItem(plainTarget(shown, shown), error);
  }
  return shown === location ? plainTarget(location, subjectName(location)) : secretRefusal(plainTarget(shown, shown));
}
