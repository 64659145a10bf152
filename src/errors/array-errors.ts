import type { ErrorEntry } from "./error-entry.ts";

/** What is wrong with the files of PyTorch and NumPy, and with the archives and pickles that they are made of. */
export const ARRAY_ERRORS = {
  ZIP_MALFORMED: {
    kind: "refused",
    meaning: "zip: the archive is damaged, or its parts contradict one another",
    advice: "Fetch the file again; if it stays so, write it anew: readers would disagree about what is in it.",
  },
  ZIP_OVERLAP: {
    kind: "refused",
    meaning: "zip: bytes belong to two members of the archive",
    advice: "Take the file for hostile, and fetch it from its publisher: no program writes members that share bytes.",
  },
  ZIP_POLYGLOT: {
    kind: "refused",
    meaning: "zip: bytes of the archive belong to none of its members",
    advice: "Take the file for another kind of file as well, or for an attack: write the archive anew without them.",
  },
  ZIP_LIMIT: {
    kind: "refused",
    meaning: "zip: the archive lists more than a model can have",
    advice: "Check that this is the archive of a model: none that is known comes near these limits.",
  },
  ZIP_MEMBER_UNSUPPORTED: {
    kind: "refused",
    meaning: "zip: a member that is needed is compressed or encrypted",
    advice: "Write the archive anew without compression, as torch.save and numpy.savez do.",
  },
  PICKLE_MALFORMED: {
    kind: "refused",
    meaning: "pickle: the program of the pickle makes no sense",
    advice: "Fetch the file again; if it stays so, treat it as an attack: no pickler writes such a pickle.",
  },
  PICKLE_TRUNCATED: {
    kind: "refused",
    meaning: "pickle: the pickle ends before its program does",
    advice: "Complete the download: the end of the pickle is missing.",
  },
  PICKLE_UNSUPPORTED: {
    kind: "refused",
    meaning: "pickle: an instruction or protocol that files of models do not need",
    advice: "Write the file anew with torch.save and its default pickle protocol.",
  },
  PICKLE_LIMIT: {
    kind: "refused",
    meaning: "pickle: the pickle is larger, deeper or more crowded than that of a model can be",
    advice: "Check that this is the file of a model: none that is known comes near these limits.",
  },
  PT_MALFORMED: {
    kind: "refused",
    meaning: "PyTorch: the file lacks a part that it must have, or its parts contradict one another",
    advice: "Fetch the file again; if it stays so, load it with torch.load(..., weights_only=True) and save it anew.",
  },
  PT_STORAGE_WRONG: {
    kind: "refused",
    meaning: "PyTorch: the bytes that a tensor lies in are missing, or not as many as the file says",
    advice: "Fetch the file again: bytes are missing from it, or its parts are of different files.",
  },
  PT_OUT_OF_BOUNDS: {
    kind: "refused",
    meaning: "PyTorch: a tensor reaches beyond the bytes that it lies in",
    advice: "Take the file for damaged or hostile, and fetch it from its publisher.",
  },
  PT_VIEWS_TOO_LARGE: {
    kind: "refused",
    meaning: "PyTorch: the tensors are far larger than the file that they lie in",
    advice: "Take the file for hostile: the same bytes are given out again and again. Save copies of real weights.",
  },
  PT_TENSOR_UNKNOWN: {
    kind: "refused",
    meaning: "PyTorch: a weight is wrapped in an object of some program, and only that could say what it is",
    advice: "Load it with the program that wrote it, and save plain tensors; or name a safetensors copy of the model.",
  },
  PT_DUPLICATE_NAME: {
    kind: "refused",
    meaning: "PyTorch: a name stands twice in a state dict",
    advice: "Write the file anew with every name once: readers would disagree about which of the two counts.",
  },
  PT_NO_TENSORS: {
    kind: "refused",
    meaning: "PyTorch or NumPy: the file holds no weights",
    advice: "Name the file that holds the weights: this one holds states of training, options or code.",
  },
  NPY_MALFORMED: {
    kind: "refused",
    meaning: "NumPy: the array's header is not what numpy.save writes, or its bytes are not as many as it says",
    advice: "Fetch the file again; if it stays so, write it anew with numpy.save or numpy.savez.",
  },
  NPY_UNSUPPORTED: {
    kind: "refused",
    meaning: "NumPy: an array of something else than plain numbers",
    advice: "Write the array as plain numbers: objects would run code when loaded, and records are no weights.",
  },
} as const satisfies Record<string, ErrorEntry>;
