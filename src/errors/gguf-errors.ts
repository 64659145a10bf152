import type { ErrorEntry } from "./error-entry.ts";

/** What is wrong with a GGUF file. */
export const GGUF_ERRORS = {
  GGUF_VERSION: {
    kind: "refused",
    meaning: "GGUF: version 1, or one that is not known",
    advice: "Convert the model again with a present llama.cpp, which writes version 3; versions 2 and 3 are read.",
  },
  GGUF_TRUNCATED: {
    kind: "refused",
    meaning: "GGUF: the file ends before its header or its tensors do",
    advice: "Fetch the file again: what its header announces is not all there.",
  },
  GGUF_LIMIT: {
    kind: "refused",
    meaning: "GGUF: the header holds more, longer or deeper things than any model needs",
    advice: "Check that this is the GGUF file that was meant, and that it arrived undamaged.",
  },
  GGUF_METADATA_INVALID: {
    kind: "refused",
    meaning: "GGUF: a key or value of the metadata is malformed, or a known key has a value of the wrong kind",
    advice: "Fetch the file again; if it stays so, convert the model anew.",
  },
  GGUF_DUPLICATE_KEY: {
    kind: "refused",
    meaning: "GGUF: a metadata key or the name of a tensor stands twice",
    advice: "Convert the model anew: readers would disagree about which of the two counts.",
  },
  GGUF_ALIGNMENT: {
    kind: "refused",
    meaning: "GGUF: the alignment is no power of two of at most a mebibyte, or a tensor does not keep to it",
    advice: "Convert the model anew: no tool writes tensors that lie so.",
  },
  GGUF_TENSOR_INVALID: {
    kind: "refused",
    meaning: "GGUF: a tensor's name, number of dimensions or size is impossible",
    advice: "Take the file for damaged or hostile, and fetch it from its publisher: no real tensor is so.",
  },
  GGUF_BLOCK_MISFIT: {
    kind: "refused",
    meaning: "GGUF: the rows of a quantised tensor are no whole number of blocks",
    advice: "Convert the model anew: whoever wrote the file gave the tensor a wrong shape or type.",
  },
  GGUF_OVERLAP: {
    kind: "refused",
    meaning: "GGUF: bytes belong to two tensors",
    advice: "Convert the model anew, with bytes of its own for each tensor.",
  },
  GGUF_HOLE: {
    kind: "refused",
    meaning: "GGUF: more than padding lies between tensors or behind the last one",
    advice: "Convert the model anew: what hides between tensors is read by nobody.",
  },
  GGUF_TYPE_UNKNOWN: {
    kind: "refused",
    meaning: "GGUF: no tensor is of a type that is understood",
    advice: "Name the model that it was quantised from, or one that was quantised to a type of llama.cpp itself.",
  },
  GGUF_SPLIT_INVALID: {
    kind: "refused",
    meaning: "GGUF: the parts of a split model contradict their names or one another",
    advice: "Fetch all parts again, of one revision and under the names that they were published with.",
  },
} as const satisfies Record<string, ErrorEntry>;
