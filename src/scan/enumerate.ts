import { HUB_PREFIX } from "../checkpoint/hub/parse-location.ts";
import { isWebLocation } from "../checkpoint/location.ts";
import { hubTargets, organisationTargets, type Pending } from "./hub-targets.ts";
import { type EnumerateOptions, type Found, isItem, type ScanInputs } from "./inputs.ts";
import { localTargets } from "./local-targets.ts";
import { nameFilter } from "./name-filter.ts";
import { pairTarget } from "./pair-target.ts";
import { webTarget } from "./web-target.ts";

/** Repositories looked into at a time. The gate of the host decides how fast that really goes. */
const AT_A_TIME = 8;

/**
 * Everything to scan, in the order of the inputs and in bounded memory: targets, and results of what is none. The same
 * inputs give the same order, as long as what they name stays the same.
 *
 * @throws USAGE for globs, SCAN_LIST_INVALID, HTTP_ADDRESS_INVALID, the reason of the signal
 */
export async function* enumerateTargets(inputs: ScanInputs, options: EnumerateOptions): AsyncGenerator<Found> {
  const isWanted = nameFilter(options);
  const { remote, signal } = options;
  // Anyone who stops a scan does not wait for a server that may never answer.
  const stoppable =
    remote === null || signal === undefined ? remote : { ...remote, client: remote.client.until(signal) };
  for await (const found of settled(everything(inputs, { ...options, remote: stoppable }))) {
    signal?.throwIfAborted();
    // What could not be looked at is told, whatever it is called: it may hide what was wanted.
    if (isItem(found) || isWanted(found.name)) yield found;
  }
}

async function* everything(inputs: ScanInputs, options: EnumerateOptions): AsyncGenerator<Found | Pending> {
  for (const location of inputs.locations) yield* targetsAt(location, options);
  const { remote, stored } = options;
  for (const name of inputs.organisations) if (remote !== null) yield* organisationTargets(name, { remote, stored });
  for await (const location of inputs.list?.locations() ?? []) yield* targetsAt(location, options);
}

async function* targetsAt(location: string, options: EnumerateOptions): AsyncGenerator<Found | Pending> {
  const { remote, stored, allowLinks, signal } = options;
  const pair = pairTarget(location);
  if (pair !== null) yield pair;
  else if (isWebLocation(location)) yield webTarget(location);
  else if (!location.startsWith(HUB_PREFIX)) {
    yield* localTargets(location, { hubCache: remote?.hubCache ?? null, allowLinks, signal });
  } else if (remote !== null) yield () => hubTargets(location, { remote, stored, allowLinks });
}

/** What was found in its order, though several of them are being asked for at a time. */
async function* settled(source: AsyncGenerator<Found | Pending>): AsyncGenerator<Found> {
  const asked: Promise<readonly Found[]>[] = [];
  for await (const one of source) {
    const result = typeof one === "function" ? one() : Promise.resolve([one]);
    // The one who is waited for later must not be unhandled until then.
    result.catch(() => undefined);
    asked.push(result);
    if (asked.length >= AT_A_TIME) yield* await asked.shift()!;
  }
  for (const one of asked) yield* await one;
}
