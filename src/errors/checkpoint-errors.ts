import type { ErrorEntry } from "./error-entry.ts";

/** A model's directory, its shards and their index, and fingerprints of it. */
export const CHECKPOINT_ERRORS = {
  NO_WEIGHTS: {
    kind: "refused",
    meaning: "the directory holds no weights",
    advice: "Name a directory in which .safetensors files lie, or one of these files.",
  },
  DIRECTORY_TOO_LARGE: {
    kind: "refused",
    meaning: "the directory has more entries than a model can have",
    advice: "Put the model's own files into a directory of their own, and name that.",
  },
  AMBIGUOUS_CHECKPOINT: {
    kind: "refused",
    meaning: "the directory holds several models; name one",
    advice: "Name one of the models instead of the directory that holds them.",
  },
  INDEX_INVALID: {
    kind: "refused",
    meaning: "a shard index is not the JSON that it must be",
    advice: "Fetch the index again; without one, shards are read whose names count them.",
  },
  INDEX_DUPLICATE_KEY: {
    kind: "refused",
    meaning: "a key stands twice in a shard index",
    advice: "Write the index anew with every key once: readers would disagree about which shard is meant.",
  },
  INDEX_TOO_LARGE: {
    kind: "refused",
    meaning: "a shard index is larger, or names more tensors or shards, than a model can have",
    advice: "Check that this is the index of a model: none that is known comes near these limits.",
  },
  INDEX_TENSOR_MISSING: {
    kind: "refused",
    meaning: "the shard that the index names for a tensor does not hold it",
    advice: "Fetch the index and its shards again, all of one revision.",
  },
  SHARD_PATH_REFUSED: {
    kind: "refused",
    meaning: "a shard index names something else than a file below its own directory",
    advice:
      "Have the file given a plain name: this one could lead out of the model's directory, or deceive who reads it.",
  },
  SHARD_MISSING: {
    kind: "refused",
    meaning: "a shard that the index names, or that the others count, is absent",
    advice: "Fetch the shards that are missing.",
  },
  PATH_ESCAPES_ROOT: {
    kind: "refused",
    meaning: "a symbolic link leads out of the model's directory",
    advice: "Name the file itself, or allow links to lead where it lies.",
  },
  DUPLICATE_TENSOR: {
    kind: "refused",
    meaning: "a tensor stands in two files of one model",
    advice: "Name one of the two files, or take the one that does not belong to the model out of its directory.",
  },
  PACKED_INDEX_INVALID: {
    kind: "refused",
    meaning: "the index of a packed linear names groups that are not there",
    advice: "Fetch the file again; if it is whole, what wrote it is wrong about the order of its inputs.",
  },

  FINGERPRINT_MALFORMED: {
    kind: "refused",
    meaning: "a fingerprint file is damaged or was not made by weightmark",
    advice: "Make the fingerprint again from the model, or fetch it again.",
  },
  FINGERPRINT_VERSION: {
    kind: "refused",
    meaning: "a fingerprint was made by an incompatible release",
    advice: "Make the fingerprint again from the model with this release.",
  },
} as const satisfies Record<string, ErrorEntry>;
