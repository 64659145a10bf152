import { basename, resolve } from "node:path";
import { insideLocation, splitInside } from "../bytes/inside-location.ts";
import { adapterAndBase } from "../checkpoint/adapter/pair-location.ts";
import { HUB_PREFIX } from "../checkpoint/hub/parse-location.ts";
import { isRemoteLocation, shownLocation } from "../checkpoint/location.ts";

/** Where the Hugging Face cache keeps one revision of one repository. */
const SNAPSHOT = /(?:^|[/\\])models--([^/\\]+)[/\\]snapshots[/\\]([^/\\]+)$/;

/**
 * "org/model@1a2b3c4" for a model of the Hub or a snapshot in its cache, else the last part of the path or address; of an adapter
 * and its base both.
 */
export function subjectName(location: string): string {
  const pair = adapterAndBase(location);
  return pair === null ? nameOf(location) : `${nameOf(pair.adapter)}+${nameOf(pair.base)}`;
}

function nameOf(location: string): string {
  const split = splitInside(location);
  if (split !== null)
    return split.inside === "" ? nameOf(split.archive) : insideLocation(nameOf(split.archive), split.inside);
  if (location.startsWith(HUB_PREFIX)) {
    return location.slice(HUB_PREFIX.length).replace(/@([0-9a-f]{7})[0-9a-f]{33}(?=\/|$)/, "@$1");
  }
  const path = isRemoteLocation(location) ? shownLocation(location) : resolve(location);
  const [, repository, revision] = SNAPSHOT.exec(path) ?? [];
  if (repository === undefined || revision === undefined) return basename(path) || location;
  return `${repository.replace("--", "/")}@${revision.slice(0, 7)}`;
}
