import { shownLocation } from "../checkpoint/location.ts";
import type { Remote } from "../checkpoint/remote.ts";
import type { ScanItem } from "./item.ts";
import type { NameFilter } from "./name-filter.ts";
import type { ScanList } from "./scan-list.ts";
import type { ScanTarget } from "./target.ts";

/** What to scan, as the user named it. */
export interface ScanInputs {
  /** Directories to walk, files, `hf:org/name[@revision]`, `https://...`. */
  readonly locations: readonly string[];
  /** Organisations or users of the Hub, all of whose models are wanted. */
  readonly organisations: readonly string[];
  readonly list: ScanList | null;
}

export interface EnumerateOptions extends NameFilter {
  /** How models elsewhere are reached; null when nothing but this machine is looked at. */
  readonly remote: Remote | null;
  /** The result of a target where there is one that stands: what it says of it is not asked for again. @default none */
  readonly stored?: ((id: string) => Promise<ScanItem | null>) | undefined;
  /** Directories that links in what is scanned may lead into, see `OpenOptions.allowLinks`. @default none */
  readonly allowLinks?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A target, or the result of what could not even become one. */
export type Found = ScanTarget | ScanItem;

export function isItem(found: Found): found is ScanItem {
  return "status" in found;
}

/** The inputs as a scan's parameters hold them. */
export function describeInputs({ locations, organisations, list }: ScanInputs): string[] {
  return [
    ...locations.map(shownLocation),
    ...organisations.map((name) => `org:${name}`),
    ...(list === null ? [] : [`list:${list.digest}`]),
  ];
}
