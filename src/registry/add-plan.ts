import { WeightmarkError } from "../errors.ts";
import { layerCodes } from "../fingerprint/codes.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { digestOf } from "./digest.ts";
import type { Change } from "./journal.ts";
import { packCodes } from "./packed-codes.ts";
import type { AddOptions, AddOutcome, RegistryEntry } from "./registry.ts";

/** A fingerprint as it would be stored. */
export interface Draft {
  readonly entry: Omit<RegistryEntry, "name" | "root" | "addedAt">;
  /** Packed. */
  readonly codes: Uint8Array;
}

export function draftOf(bytes: Uint8Array, fingerprint: Fingerprint): Draft {
  const { family, depth, parameters, version } = fingerprint;
  const entry = { digest: digestOf(bytes), bytes: bytes.length, version, family, depth, parameters };
  return { entry, codes: packCodes(layerCodes(fingerprint)) };
}

export interface AddPlan {
  readonly draft: Draft;
  /** No entry has this digest yet. */
  readonly isNew: boolean;
  readonly outcome: AddOutcome;
  readonly changes: readonly Change[];
}

export function applyChange(entries: Map<string, RegistryEntry>, change: Change): void {
  if ("put" in change) entries.set(change.put.digest, change.put);
  else entries.delete(change.remove);
}

/**
 * What adding a fingerprint means for `entries`. The same weights under the same name are there already; any other
 * clash of name, weights or root flag needs `replace`.
 *
 * @throws REGISTRY_CONFLICT
 */
export function planAdd(
  draft: Draft,
  options: AddOptions,
  addedAt: string | null,
  entries: ReadonlyMap<string, RegistryEntry>,
): AddPlan {
  const { digest } = draft.entry;
  const same = entries.get(digest);
  const namesake = [...entries.values()].find((entry) => entry.name === options.name && entry.digest !== digest);
  const root = options.root ?? same?.root ?? false;
  const isNew = same === undefined;
  if (same !== undefined && same.name === options.name && same.root === root) {
    return { draft, isNew, outcome: { status: "unchanged", entry: same }, changes: [] };
  }
  if (!options.replace) refuseClash(options.name, namesake, same);
  const entry = { ...draft.entry, name: options.name, root, addedAt };
  const removal: Change[] = namesake === undefined ? [] : [{ remove: namesake.digest }];
  const status = isNew && namesake === undefined ? "added" : "replaced";
  return { draft, isNew, outcome: { status, entry }, changes: [...removal, { put: entry }] };
}

function refuseClash(name: string, namesake: RegistryEntry | undefined, same: RegistryEntry | undefined): void {
  const refuse = (why: string) => {
    throw new WeightmarkError("REGISTRY_CONFLICT", why, {
      file: name,
      detail: "Choose another --name, or say --replace.",
    });
  };
  if (namesake !== undefined) refuse("another model is registered under this name");
  if (same === undefined) return;
  if (same.name !== name) refuse("the same weights are registered under another name");
  refuse(`it is registered ${same.root ? "as trained from scratch" : "without --root"}`);
}
