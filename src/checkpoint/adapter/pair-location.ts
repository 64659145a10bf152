import { existsSync } from "node:fs";
import { fsPath } from "../../bytes/path-text.ts";
import { WeightmarkError } from "../../errors.ts";
import { isRemoteLocation, isWebLocation, localPath } from "../location.ts";

/** An adapter, and the model that it is merged into while it is read. */
export interface AdapterAndBase {
  readonly adapter: string;
  readonly base: string;
}

const ADDRESS = /^(?:hf:|https?:\/\/|file:\/\/)/i;
/** Locations with more signs are not taken apart: each place costs two looks at the disk. */
const MOST_SIGNS = 16;

/**
 * What `adapter+base` names; null for a location of one model. A path that is there is what is meant, however many signs it has;
 * else both sides of the sign must be there, or be addresses. An address is taken apart only before another one or before a
 * path that begins with a dot, and behind the bare name of a repository: elsewhere a "+" may be part of it.
 *
 * @throws ADAPTER_AMBIGUOUS where it can be taken apart in two ways
 */
export function adapterAndBase(location: string): AdapterAndBase | null {
  const sides = sidesOf(location);
  if (sides.length === 0 || (!isRemoteLocation(location) && isThere(location))) return null;
  const [pair, other] = sides.filter(isPair);
  if (pair === undefined) return null;
  if (other !== undefined) {
    throw new WeightmarkError("ADAPTER_AMBIGUOUS", "names an adapter and its base in more than one way", {
      file: location,
      detail: `Rename one of them: ${JSON.stringify(pair.adapter)} and ${JSON.stringify(other.adapter)} are both there.`,
    });
  }
  return pair;
}

/** What to do about a path that is not there, where its beginning is an adapter's perhaps; else undefined. */
export function missingBase(location: string): string | undefined {
  const side = sidesOf(location).find(({ adapter }) => !isRemoteLocation(adapter) && isThere(adapter));
  if (side === undefined) return undefined;
  const [adapter, base] = [side.adapter, side.base].map((path) => JSON.stringify(path));
  return `If an adapter and its base are meant: ${adapter} is there, and ${base} is not.`;
}

function sidesOf(location: string): AdapterAndBase[] {
  const signs = [...location.matchAll(/\+/g)].map(({ index }) => index);
  if (signs.length > MOST_SIGNS) return [];
  const sides = signs.map((at) => ({ adapter: location.slice(0, at), base: location.slice(at + 1) }));
  return sides.filter(({ adapter, base }) => adapter !== "" && base !== "");
}

function isPair({ adapter, base }: AdapterAndBase): boolean {
  if (!isRemoteLocation(adapter)) return isThere(adapter) && (ADDRESS.test(base) || isThere(base));
  if (ADDRESS.test(base)) return true;
  if (isWebLocation(adapter)) return false;
  const isBare = /^hf:[^/@]+\/[^/@]+$/.test(adapter);
  return (isBare || /^\.{1,2}[/\\]/.test(base)) && isThere(base);
}

function isThere(location: string): boolean {
  try {
    return existsSync(fsPath(localPath(location)));
  } catch {
    return false;
  }
}
