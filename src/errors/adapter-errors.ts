import type { ErrorEntry } from "./error-entry.ts";

/** Adapters that are read merged into a base. */
export const ADAPTER_ERRORS = {
  ADAPTER_NOT_FOUND: {
    kind: "refused",
    meaning: "what was named as an adapter holds nothing that an adapter has",
    advice: "Name the adapter first and its base second: adapter+base.",
  },
  ADAPTER_AMBIGUOUS: {
    kind: "refused",
    meaning: "an adapter, its base or one of its modules could be several things",
    advice: "Name the adapter and the part of the base that it was trained on by paths that leave no choice.",
  },
  ADAPTER_CONFIG_INVALID: {
    kind: "refused",
    meaning: "an adapter's settings are missing, or say what cannot be",
    advice: "Put the adapter_config.json that was saved with the adapter beside it, and name the directory of both.",
  },
  ADAPTER_MALFORMED: {
    kind: "refused",
    meaning: "the tensors of an adapter do not belong together",
    advice: "Save or fetch the adapter again.",
  },
  ADAPTER_MISFIT: {
    kind: "refused",
    meaning: "an adapter changes something that the base does not have, or has in another shape",
    advice: "Name the base that the adapter was trained on.",
  },
  ADAPTER_UNSUPPORTED: {
    kind: "refused",
    meaning: "an adapter is of a kind that is not merged while reading",
    advice: "Merge it with the library that made it, and name the model that this writes.",
  },
} as const satisfies Record<string, ErrorEntry>;
