import type { ErrorEntry } from "./error-entry.ts";

/** Time limits, and the store of fingerprints. */
export const REGISTRY_ERRORS = {
  TIMED_OUT: {
    kind: "passing",
    meaning: "`timeout` passed before the work was done",
    advice: "Allow more time, or read less of the model.",
  },
  REGISTRY_NOT_FOUND: {
    kind: "refused",
    meaning: "the directory holds no registry",
    advice: "Name the place of a registry, or register a model to begin one.",
  },
  REGISTRY_EMPTY: {
    kind: "nothing",
    meaning: "the registry has no entries to identify against",
    advice: "Register the bases that models are to be held against.",
  },
  REGISTRY_CORRUPT: {
    kind: "refused",
    meaning: "the registry's journal, or a row of its table, was altered or damaged",
    advice: "Restore the registry from a copy or an export.",
  },
  REGISTRY_VERSION: {
    kind: "refused",
    meaning: "the registry or archive was written by another version",
    advice: "Use the version that wrote it, or register the models again with this one.",
  },
  REGISTRY_ROLLED_BACK: {
    kind: "refused",
    meaning: "an older state of the registry's journal was put back",
    advice: "Restore the whole directory from one and the same copy.",
  },
  REGISTRY_LOCKED: {
    kind: "refused",
    meaning: "another process is changing the registry",
    advice: "Wait until the other process is done with the registry, then try again.",
  },
  REGISTRY_CONFLICT: {
    kind: "refused",
    meaning: "the name or the weights are registered already, differently",
    advice: "Choose another name, or have the entry that is there replaced.",
  },
  REGISTRY_NAME_INVALID: {
    kind: "usage",
    meaning: "the name cannot be used for a registry entry",
    advice: "Give the entry another name.",
  },
  REGISTRY_ENTRY_UNKNOWN: {
    kind: "refused",
    meaning: "no registry entry has this name or digest",
    advice: "List the entries of the registry, and name one of them by its name or its whole digest.",
  },
  COMPONENT_UNKNOWN: {
    kind: "refused",
    meaning: "the model has no component of this name, or several that begin so",
    advice: "Name one of the model's components in full.",
  },
  REGISTRY_ENTRY_MISSING: {
    kind: "refused",
    meaning: "a registered fingerprint's file is gone",
    advice: "Register the model again, or remove its entry.",
  },
  REGISTRY_ENTRY_POISONED: {
    kind: "refused",
    meaning: "a registered fingerprint's file is not what was registered",
    advice: "Find out who changed it; register the model again from its weights, or remove its entry.",
  },
  ARCHIVE_MALFORMED: {
    kind: "refused",
    meaning: "the registry archive is damaged or not one",
    advice: "Export the registry again, or fetch the archive again.",
  },
} as const satisfies Record<string, ErrorEntry>;
