import type { ErrorEntry } from "./error-entry.ts";

/** Keys and marks, running models, and the arithmetic under both. */
export const WATERMARK_ERRORS = {
  KEY_FILE_MALFORMED: {
    kind: "refused",
    meaning: "the file is no watermark key, or was altered",
    advice: "Name the file that the key was written to, or restore it from a copy.",
  },
  KEY_FILE_PERMISSIONS: {
    kind: "refused",
    meaning: "others than its owner may read the key file",
    advice: "Allow the file to its owner alone, and make a new key if somebody may have read it.",
  },
  KEY_PASSPHRASE_MISSING: {
    kind: "usage",
    meaning: "the key needs a passphrase and none was given",
    advice: "Give the passphrase of the key in WEIGHTMARK_PASSPHRASE or in a file.",
  },
  SKETCH_OF_ANOTHER_KEY: {
    kind: "refused",
    meaning: "the sketch was made with another key",
    advice: "Name the sketch that was written when the model was marked with this key.",
  },
  SKETCH_MALFORMED: {
    kind: "refused",
    meaning: "a re-synchronisation sketch is damaged or was not made by weightmark",
    advice: "Take the sketch that was written when the model was marked.",
  },
  KEY_PASSPHRASE_WRONG: {
    kind: "refused",
    meaning: "the passphrase does not open the key file",
    advice: "Check the passphrase for capitals, blanks and the keyboard's layout; else restore the file from a copy.",
  },
  TENSOR_TOO_LARGE: {
    kind: "refused",
    meaning: "a tensor that can only be edited as a whole does not fit into memory",
    advice: "Store the tensor so that each of its rows lies in one piece.",
  },

  PAYLOAD_INVALID: {
    kind: "usage",
    meaning: "the payload is empty, not hex after 0x, or not printable text",
    advice: "Give 1 to 16 bytes as printable text, or in hex after 0x.",
  },
  PAYLOAD_TOO_LONG: {
    kind: "usage",
    meaning: "the payload is longer than 16 bytes, or than this model can carry",
    advice: "Shorten the payload, or leave it out.",
  },
  MODEL_TOO_SMALL: {
    kind: "refused",
    meaning: "the model is too small or too unusual for any mark",
    advice: "Mark a larger model, or allow the mark more strength.",
  },
  QUANTIZED_WEIGHTS: {
    kind: "refused",
    meaning: "quantised weights cannot be marked; mark the model they were made from",
    advice: "Mark the model that this one was quantised from, then quantise the marked copy.",
  },
  ALREADY_MARKED: {
    kind: "refused",
    meaning: "the model carries the mark of this key already",
    advice: "Mark the original again, or take another key.",
  },
  PUBLIC_BASE: {
    kind: "refused",
    meaning: "a registered base is involved; a mark beside public weights can be subtracted",
    advice: "Mark the difference to the public base instead.",
  },
  BASE_MISMATCH: {
    kind: "refused",
    meaning: "the model is no fine-tune of the base that was named",
    advice: "Name the base that the model was fine-tuned from.",
  },

  FORWARD_UNSUPPORTED: {
    kind: "refused",
    meaning: "the model has something that the forward pass does not compute",
    advice: "Compare what such models say with the library they are run in; other commands need not run them.",
  },
  TOKENIZER_UNUSABLE: {
    kind: "refused",
    meaning: "there is no tokenizer.json that can be used",
    advice: "Put the model's own tokenizer.json beside its weights, or give token ids instead of a text.",
  },
  TOKENIZERS_DIFFER: {
    kind: "refused",
    meaning: "two models turn a text into different tokens",
    advice: "Compare models that share a tokenizer.",
  },
  TOKENS_INVALID: {
    kind: "refused",
    meaning: "the text or its token ids cannot be run through the models",
    advice: "Give a text in UTF-8, or a JSON list of two or more token ids that both models know.",
  },
  ENGINE_UNAVAILABLE: {
    kind: "refused",
    meaning: "the engine asked for is not installed or does not work, or Node runs no WebAssembly",
    advice: "Install the engine, or compute without it; weightmark doctor tells what works.",
  },

  DTYPE_UNSUPPORTED: {
    kind: "refused",
    meaning: "this element type cannot be decoded to f32",
    advice: "Store the tensor as BF16, F16 or F32.",
  },
} as const satisfies Record<string, ErrorEntry>;
