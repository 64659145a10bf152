import type { ErrorEntry } from "./error-entry.ts";

/** What is wrong with a safetensors file, or with tensors that are to become one. */
export const SAFETENSORS_ERRORS = {
  ST_TRUNCATED_PREFIX: {
    kind: "refused",
    meaning: "safetensors: fewer than the 8 bytes of the header length",
    advice: "Fetch the file again: it breaks off before its header begins.",
  },
  ST_HEADER_EMPTY: {
    kind: "refused",
    meaning: "safetensors: the header has no bytes",
    advice: "Fetch the file again: zeros stand where its header should begin, as in a download that was not finished.",
  },
  ST_HEADER_TOO_LARGE: {
    kind: "refused",
    meaning: "safetensors: the header claims more than 100,000,000 bytes",
    advice: "Check that this is the .safetensors file that was meant, and that it arrived undamaged.",
  },
  ST_HEADER_TRUNCATED: {
    kind: "refused",
    meaning: "safetensors: the header claims more bytes than the file has",
    advice: "Check that this is the .safetensors file that was meant, and that its download is complete.",
  },
  ST_NOT_UTF8: {
    kind: "refused",
    meaning: "safetensors: the header is not UTF-8 or holds half a surrogate pair",
    advice: "Fetch the file again; if it stays so, write it anew with names in UTF-8.",
  },
  ST_INVALID_JSON: {
    kind: "refused",
    meaning: "safetensors: the header is not exactly one JSON value",
    advice: "Fetch the file again; if it stays so, write it anew with the safetensors library.",
  },
  ST_DEPTH_LIMIT: {
    kind: "refused",
    meaning: "safetensors: the header nests values more than 64 deep",
    advice: "Write the file anew without the nested values: no tensor needs them.",
  },
  ST_TOKEN_LIMIT: {
    kind: "refused",
    meaning: "safetensors: a name, string or number in the header is too long",
    advice: "Write the file anew with shorter names, texts and numbers.",
  },
  ST_ROOT_NOT_OBJECT: {
    kind: "refused",
    meaning: "safetensors: the header is no JSON object",
    advice: "Check that this is a .safetensors file: its header is an object that maps names to tensors.",
  },
  ST_DUPLICATE_KEY: {
    kind: "refused",
    meaning: "safetensors: a tensor, field or metadata key stands twice",
    advice: "Write the file anew with every key once: readers would disagree about which of the two counts.",
  },
  ST_METADATA_INVALID: {
    kind: "refused",
    meaning: "safetensors: __metadata__ is not a map of strings, or has too many entries",
    advice: "Write the file anew with metadata that maps strings to strings, 65,536 of them at most.",
  },
  ST_ENTRY_INVALID: {
    kind: "refused",
    meaning: "safetensors: a tensor's entry lacks a field or has one of the wrong type",
    advice: "Write the file anew so that each tensor has its dtype, shape and data_offsets, and nothing else.",
  },
  ST_UNKNOWN_DTYPE: {
    kind: "refused",
    meaning: "safetensors: an element type that does not exist",
    advice: "Write the tensor in a type that safetensors has, such as F32, F16 or BF16.",
  },
  ST_INTEGER_INVALID: {
    kind: "refused",
    meaning: "safetensors: a shape or offset is no plain non-negative integer",
    advice: "Write the file anew with shapes and offsets as plain whole numbers.",
  },
  ST_INTEGER_TOO_LARGE: {
    kind: "refused",
    meaning: "safetensors: a number beyond what can be held exactly (2^53 - 1)",
    advice: "Write the file anew with the real number: no tensor needs one as large.",
  },
  ST_RANK_LIMIT: {
    kind: "refused",
    meaning: "safetensors: a tensor of more than 64 dimensions",
    advice: "Store the tensor in fewer dimensions: no framework has more than 64.",
  },
  ST_TENSOR_LIMIT: {
    kind: "refused",
    meaning: "safetensors: more than 1,048,576 tensors",
    advice: "Split the model into smaller ones, or join tensors that belong together.",
  },
  ST_SIZE_OVERFLOW: {
    kind: "refused",
    meaning: "safetensors: the size of a tensor overflows",
    advice: "Take the file for damaged or hostile, and fetch it from its publisher: no real tensor is as large.",
  },
  ST_SUBBYTE_MISFIT: {
    kind: "refused",
    meaning: "safetensors: a tensor of a type below 8 bits does not fill whole bytes",
    advice: "Pad the tensor until its elements fill whole bytes, and write the file anew.",
  },
  ST_SIZE_MISMATCH: {
    kind: "refused",
    meaning: "safetensors: a tensor's byte range is not as long as its shape says",
    advice: "Fetch the file again; if it stays so, whoever wrote it gave the tensor a wrong shape, type or range.",
  },
  ST_RANGE_REVERSED: {
    kind: "refused",
    meaning: "safetensors: a byte range ends before it begins",
    advice: "Fetch the file again; if it stays so, whoever wrote it mixed up the offsets of the tensor.",
  },
  ST_OVERLAP: {
    kind: "refused",
    meaning: "safetensors: bytes belong to two tensors",
    advice: "Write each tensor to bytes of its own; of PyTorch tensors that share memory, save_model keeps one.",
  },
  ST_HOLE: {
    kind: "refused",
    meaning: "safetensors: bytes between tensors belong to none",
    advice: "Write the file anew without gaps: what hides between tensors is read by nobody.",
  },
  ST_TRAILING_DATA: {
    kind: "refused",
    meaning: "safetensors: bytes after the last tensor",
    advice: "Fetch the file again: something was added at its end, or its header was changed.",
  },
  ST_DATA_TRUNCATED: {
    kind: "refused",
    meaning: "safetensors: the file ends before its tensors do",
    advice: "Complete the download: the end of the file is missing.",
  },
  ST_POLYGLOT: {
    kind: "refused",
    meaning: "safetensors: the file is a zip archive as well",
    advice: "Treat it as an attack: no tool that trains or converts models writes such a file.",
  },
  ST_WRITE_INVALID: {
    kind: "refused",
    meaning: "safetensors: tensors that cannot be written as given",
    advice: "Correct the name, type, shape, data or metadata that the message names; no file was written.",
  },
} as const satisfies Record<string, ErrorEntry>;
