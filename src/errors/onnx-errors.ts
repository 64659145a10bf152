import type { ErrorEntry } from "./error-entry.ts";

/** What is wrong with the files of ONNX. */
export const ONNX_ERRORS = {
  ONNX_MALFORMED: {
    kind: "refused",
    meaning: "ONNX: the file is no valid model, or its parts contradict one another",
    advice: "Fetch the file again; if it stays so, load it with onnx.load and onnx.checker and save it anew.",
  },
  ONNX_TRUNCATED: {
    kind: "refused",
    meaning: "ONNX: the file ends before the model does",
    advice: "Fetch the model again: its last bytes are missing.",
  },
  ONNX_LIMIT: {
    kind: "refused",
    meaning: "ONNX: the model is larger, deeper or more crowded than any that is known",
    advice: "Check that this is a model: none that is known comes near these limits.",
  },
  ONNX_SIZE_WRONG: {
    kind: "refused",
    meaning: "ONNX: a tensor does not have as many bytes or values as its shape says",
    advice: "Fetch the file again; if it stays so, readers would disagree about its weights: have it written anew.",
  },
  ONNX_OUT_OF_BOUNDS: {
    kind: "refused",
    meaning: "ONNX: a tensor reaches beyond the end of the file that it lies in",
    advice: "Fetch the file beside the model again: it is cut off, or belongs to another model.",
  },
  ONNX_OVERLAP: {
    kind: "refused",
    meaning: "ONNX: bytes belong to two tensors that are not the same",
    advice: "Take the model for damaged or hostile, and fetch it from its publisher: no program writes such files.",
  },
  ONNX_TENSOR_UNSUPPORTED: {
    kind: "refused",
    meaning: "ONNX: a tensor is written in a way that models do not need",
    advice: "Load the model with onnx.load and save it anew with onnx.save.",
  },
} as const satisfies Record<string, ErrorEntry>;
