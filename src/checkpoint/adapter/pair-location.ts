import { stat } from "node:fs/promises";
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
export async function adapterAndBase(location: string): Promise<AdapterAndBase | null> {
  const signs = [...location.matchAll(/\+/g)].map(({ index }) => index);
  if (signs.length === 0 || signs.length > MOST_SIGNS) return null;
  if (!isRemoteLocation(location) && (await isThere(location))) return null;
  const pairs: AdapterAndBase[] = [];
  for (const at of signs) {
    const [adapter, base] = [location.slice(0, at), location.slice(at + 1)];
    if (adapter !== "" && base !== "" && (await isPair(adapter, base))) pairs.push({ adapter, base });
  }
  const [pair, other] = pairs;
  if (pair === undefined) return null;
  if (other !== undefined) {
    throw new WeightmarkError("ADAPTER_AMBIGUOUS", "names an adapter and its base in more than one way", {
      file: location,
      detail: `Rename one of them: ${JSON.stringify(pair.adapter)} and ${JSON.stringify(other.adapter)} are both there.`,
    });
  }
  return pair;
}

async function isPair(adapter: string, base: string): Promise<boolean> {
  if (!isRemoteLocation(adapter)) return (await isThere(adapter)) && (ADDRESS.test(base) || (await isThere(base)));
  if (ADDRESS.test(base)) return true;
  if (isWebLocation(adapter)) return false;
  const isBare = /^hf:[^/@]+\/[^/@]+$/.test(adapter);
  return (isBare || /^\.{1,2}[/\\]/.test(base)) && isThere(base);
}

async function isThere(location: string): Promise<boolean> {
  try {
    await stat(fsPath(localPath(location)));
    return true;
  } catch {
    return false;
  }
}
