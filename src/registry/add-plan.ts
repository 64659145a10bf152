import { WeightmarkError } from "../errors.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";
import { registeredCodes } from "../fingerprint/layer-codes.ts";
import { digestOf } from "./digest.ts";
import type { Change } from "./journal.ts";
import { packCodes } from "./packed-codes.ts";
import { mergeParts, movedPart, NO_PARTS, requireParts, sameParts } from "./parts.ts";
import type { AddOptions, AddOutcome, RegistryEntry } from "./registry.ts";

/** A fingerprint as it would be stored. */
export interface Draft {
  readonly entry: Omit<RegistryEntry, "name" | "root" | "parts" | "addedAt">;
  /** Packed. */
  readonly codes: Uint8Array;
}

export function draftOf(bytes: Uint8Array, fingerprint: Fingerprint): Draft {
  const { family, depth, parameters, version } = fingerprint;
  const entry = { digest: digestOf(bytes), bytes: bytes.length, version, family, depth, parameters };
  return { entry, codes: packCodes(registeredCodes(fingerprint)) };
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
 * clash of name, weights or root flag needs `replace`, and so does a part that is said to come from another entry than
 * before. Parts that are new need nothing: they only take claims away.
 *
 * @throws REGISTRY_CONFLICT, USAGE for parts that name no digest
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
  const parts = mergeParts(same?.parts ?? NO_PARTS, options.parts ?? NO_PARTS);
  requireParts(parts);
  const isNew = same === undefined;
  if (same !== undefined && same.name === options.name && same.root === root && sameParts(same.parts, parts)) {
    return { draft, isNew, outcome: { status: "unchanged", entry: same }, changes: [] };
  }
  const entry = { ...draft.entry, name: options.name, root, parts, addedAt };
  if (!options.replace) refuseClash(entry, namesake, same);
  const removal: Change[] = namesake === undefined ? [] : [{ remove: namesake.digest }];
  const status = isNew && namesake === undefined ? "added" : "replaced";
  return { draft, isNew, outcome: { status, entry }, changes: [...removal, { put: entry }] };
}

function refuseClash(
  { name, root, parts }: RegistryEntry,
  namesake: RegistryEntry | undefined,
  same: RegistryEntry | undefined,
): void {
  const refuse = (why: string) => {
    throw new WeightmarkError("REGISTRY_CONFLICT", why, {
      file: name,
      detail: "Choose another `name`, or say `replace`.",
    });
  };
  if (namesake !== undefined) refuse("another model is registered under this name");
  if (same === undefined) return;
  if (same.name !== name) refuse("the same weights are registered under another name");
  if (same.root !== root) refuse(`it is registered ${same.root ? "as trained from scratch" : "as no root"}`);
  const moved = movedPart(same.parts, parts);
  if (moved !== undefined) refuse(`its part ${moved.component} is registered as one of another entry`);
}
