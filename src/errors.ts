/**
 * Every refusal has a stable code: it is what scripts branch on and what docs/errors.md explains.
 * `exit` is the process exit code (2 usage, 3 input malformed or refused, 4 nothing to do, 70 a bug).
 */
export const ERRORS = {
  USAGE: { exit: 2, meaning: "the command line or an option is wrong" },
  INTERNAL: { exit: 70, meaning: "a bug in weightmark" },
  NO_HOME_DIRECTORY: {
    exit: 2,
    meaning: "something has its place in the home directory unless it is named, and there is none",
  },

  FILE_NOT_FOUND: { exit: 3, meaning: "the path does not exist" },
  FILE_UNREADABLE: { exit: 3, meaning: "the path exists but cannot be read" },
  NOT_A_REGULAR_FILE: { exit: 3, meaning: "a directory, FIFO, socket or device stands where a file is needed" },
  READ_OUT_OF_RANGE: { exit: 3, meaning: "a read beyond the end of the source" },
  CHANGED_DURING_READ: { exit: 3, meaning: "the file changed while it was being read" },
  BYTE_BUDGET_EXCEEDED: { exit: 3, meaning: "reading on would exceed --max-bytes" },
  OUTPUT_EXISTS: { exit: 3, meaning: "the output exists and may not be overwritten" },
  OUTPUT_IS_INPUT: { exit: 3, meaning: "the output path is one of the inputs" },
  WRITE_FAILED: { exit: 3, meaning: "the output could not be written; nothing was left behind" },

  EMPTY_FILE: { exit: 3, meaning: "the file has no bytes" },
  GIT_LFS_POINTER: { exit: 3, meaning: "a Git LFS pointer stands where the weights should be" },
  HTML_PAGE: { exit: 3, meaning: "a web page stands where the weights should be" },
  TEXT_FILE: { exit: 3, meaning: "a text stands where the weights should be" },
  COMPRESSED_FILE: { exit: 3, meaning: "the file is compressed as a whole; unpack it first" },
  UNSUPPORTED_CONTAINER: { exit: 3, meaning: "a known container that weightmark does not read" },

  ST_TRUNCATED_PREFIX: { exit: 3, meaning: "safetensors: fewer than the 8 bytes of the header length" },
  ST_HEADER_EMPTY: { exit: 3, meaning: "safetensors: the header has no bytes" },
  ST_HEADER_TOO_LARGE: { exit: 3, meaning: "safetensors: the header claims more than 100,000,000 bytes" },
  ST_HEADER_TRUNCATED: { exit: 3, meaning: "safetensors: the header claims more bytes than the file has" },
  ST_NOT_UTF8: { exit: 3, meaning: "safetensors: the header is not UTF-8 or holds half a surrogate pair" },
  ST_INVALID_JSON: { exit: 3, meaning: "safetensors: the header is not exactly one JSON value" },
  ST_DEPTH_LIMIT: { exit: 3, meaning: "safetensors: the header nests values more than 64 deep" },
  ST_TOKEN_LIMIT: { exit: 3, meaning: "safetensors: a name, string or number in the header is too long" },
  ST_ROOT_NOT_OBJECT: { exit: 3, meaning: "safetensors: the header is no JSON object" },
  ST_DUPLICATE_KEY: { exit: 3, meaning: "safetensors: a tensor, field or metadata key stands twice" },
  ST_METADATA_INVALID: {
    exit: 3,
    meaning: "safetensors: __metadata__ is not a map of strings, or has too many entries",
  },
  ST_ENTRY_INVALID: { exit: 3, meaning: "safetensors: a tensor's entry lacks a field or has one of the wrong type" },
  ST_UNKNOWN_DTYPE: { exit: 3, meaning: "safetensors: an element type that does not exist" },
  ST_INTEGER_INVALID: { exit: 3, meaning: "safetensors: a shape or offset is no plain non-negative integer" },
  ST_INTEGER_TOO_LARGE: { exit: 3, meaning: "safetensors: a number beyond what can be held exactly (2^53 - 1)" },
  ST_RANK_LIMIT: { exit: 3, meaning: "safetensors: a tensor of more than 64 dimensions" },
  ST_TENSOR_LIMIT: { exit: 3, meaning: "safetensors: more than 1,048,576 tensors" },
  ST_SIZE_OVERFLOW: { exit: 3, meaning: "safetensors: the size of a tensor overflows" },
  ST_SUBBYTE_MISFIT: { exit: 3, meaning: "safetensors: a tensor of a type below 8 bits does not fill whole bytes" },
  ST_SIZE_MISMATCH: { exit: 3, meaning: "safetensors: a tensor's byte range is not as long as its shape says" },
  ST_RANGE_REVERSED: { exit: 3, meaning: "safetensors: a byte range ends before it begins" },
  ST_OVERLAP: { exit: 3, meaning: "safetensors: bytes belong to two tensors" },
  ST_HOLE: { exit: 3, meaning: "safetensors: bytes between tensors belong to none" },
  ST_TRAILING_DATA: { exit: 3, meaning: "safetensors: bytes after the last tensor" },
  ST_DATA_TRUNCATED: { exit: 3, meaning: "safetensors: the file ends before its tensors do" },
  ST_POLYGLOT: { exit: 3, meaning: "safetensors: the file is a zip archive as well" },
  ST_WRITE_INVALID: { exit: 3, meaning: "safetensors: tensors that cannot be written as given" },

  NO_WEIGHTS: { exit: 3, meaning: "the directory holds no weights" },
  DIRECTORY_TOO_LARGE: { exit: 3, meaning: "the directory has more entries than a model can have" },
  AMBIGUOUS_CHECKPOINT: { exit: 3, meaning: "the directory holds several models; name one" },
  INDEX_INVALID: { exit: 3, meaning: "a shard index is not the JSON that it must be" },
  INDEX_DUPLICATE_KEY: { exit: 3, meaning: "a key stands twice in a shard index" },
  INDEX_TOO_LARGE: {
    exit: 3,
    meaning: "a shard index is larger, or names more tensors or shards, than a model can have",
  },
  INDEX_TENSOR_MISSING: { exit: 3, meaning: "the shard that the index names for a tensor does not hold it" },
  SHARD_PATH_REFUSED: { exit: 3, meaning: "a shard index names something else than a file below its own directory" },
  SHARD_MISSING: { exit: 3, meaning: "a shard that the index names is absent" },
  PATH_ESCAPES_ROOT: { exit: 3, meaning: "a symbolic link leads out of the model's directory" },
  DUPLICATE_TENSOR: { exit: 3, meaning: "a tensor stands in two files of one model" },

  FINGERPRINT_MALFORMED: { exit: 3, meaning: "a fingerprint file is damaged or was not made by weightmark" },
  FINGERPRINT_VERSION: { exit: 3, meaning: "a fingerprint was made by an incompatible release" },

  TIMED_OUT: { exit: 5, meaning: "--timeout passed before the work was done" },
  REGISTRY_NOT_FOUND: { exit: 3, meaning: "the directory holds no registry" },
  REGISTRY_EMPTY: { exit: 4, meaning: "the registry has no entries to identify against" },
  REGISTRY_CORRUPT: { exit: 3, meaning: "the registry's journal, or a row of its table, was altered or damaged" },
  REGISTRY_VERSION: { exit: 3, meaning: "the registry or archive was written by another version" },
  REGISTRY_ROLLED_BACK: { exit: 3, meaning: "an older state of the registry's journal was put back" },
  REGISTRY_LOCKED: { exit: 3, meaning: "another process is changing the registry" },
  REGISTRY_CONFLICT: { exit: 3, meaning: "the name or the weights are registered already, differently" },
  REGISTRY_NAME_INVALID: { exit: 2, meaning: "the name cannot be used for a registry entry" },
  REGISTRY_ENTRY_UNKNOWN: { exit: 3, meaning: "no registry entry has this name or digest" },
  COMPONENT_UNKNOWN: { exit: 3, meaning: "the model has no component of this name, or several that begin so" },
  REGISTRY_ENTRY_MISSING: { exit: 3, meaning: "a registered fingerprint's file is gone" },
  REGISTRY_ENTRY_POISONED: { exit: 3, meaning: "a registered fingerprint's file is not what was registered" },
  ARCHIVE_MALFORMED: { exit: 3, meaning: "the registry archive is damaged or not one" },

  HTTP_ADDRESS_INVALID: { exit: 2, meaning: "the address is not one that can be read: https://..., or hf:org/name" },
  HTTP_ADDRESS_REFUSED: { exit: 3, meaning: "a redirect led to a private, loopback or link-local address" },
  HTTP_REDIRECT_REFUSED: {
    exit: 3,
    meaning: "a redirect to another scheme, too many of them, or one without a target",
  },
  HTTP_UNAUTHORIZED: { exit: 3, meaning: "the server wants to know who asks (401): a token is missing or wrong" },
  HTTP_FORBIDDEN: { exit: 3, meaning: "the server refuses access (403), as for a gated repository" },
  HTTP_STORAGE_REFUSED: {
    exit: 5,
    meaning: "the host that the server sends one on to refuses access, again and again; the server itself does not",
  },
  HTTP_NOT_FOUND: { exit: 3, meaning: "the server has nothing at this address (404)" },
  HTTP_STATUS: { exit: 3, meaning: "the server refused the request in another way" },
  HTTP_RANGE_UNSUPPORTED: { exit: 3, meaning: "the server ignores byte ranges and would send the whole file" },
  HTTP_RANGE_WRONG: { exit: 3, meaning: "the server sent another byte range than the one asked for" },
  HTTP_BODY_WRONG: { exit: 3, meaning: "the body is longer than announced or allowed, or compressed" },
  HTTP_RATE_LIMITED: { exit: 5, meaning: "the server asks to wait (429) longer than is allowed" },
  HTTP_SERVER_FAILED: { exit: 5, meaning: "the server failed (5xx) again and again" },
  HTTP_CONNECTION_FAILED: { exit: 5, meaning: "no connection, or it broke again and again: name, network, TLS" },
  HTTP_TIMED_OUT: { exit: 5, meaning: "the server did not answer, or not fast enough, again and again" },
  OFFLINE: { exit: 3, meaning: "--offline is set and this is not in the cache" },

  HUB_NAME_INVALID: { exit: 2, meaning: "not a Hub repository: hf:org/name, with @revision if need be" },
  HUB_REPOSITORY_NOT_FOUND: {
    exit: 3,
    meaning: "the Hub has no such repository or revision, or shows it to others only",
  },
  HUB_GATED: { exit: 3, meaning: "the repository is gated: its owner has to grant access first" },
  HUB_RESPONSE_INVALID: { exit: 3, meaning: "the Hub answered with something that it never should" },

  SCAN_NOTHING: { exit: 4, meaning: "there is nothing to scan" },
  SCAN_LIST_INVALID: { exit: 2, meaning: "the list of things to scan cannot be read" },
  SCAN_UNFINISHED: {
    exit: 2,
    meaning: "the journal holds an unfinished scan: go on with --resume, or begin with --restart",
  },
  SCAN_DIFFERS: { exit: 2, meaning: "the journal is of a scan with other inputs, options or registry" },
  SCAN_JOURNAL_LOCKED: { exit: 3, meaning: "another process is writing to this journal" },
  SCAN_JOURNAL_CORRUPT: { exit: 3, meaning: "the journal was altered or damaged" },
  SCAN_INTERRUPTED: { exit: 5, meaning: "the scan was stopped before it was done; --resume goes on" },
  WORKER_LOST: { exit: 5, meaning: "a worker thread died while it worked on this" },

  DATABASE_URL_INVALID: { exit: 2, meaning: "not the URL of a PostgreSQL database" },
  DATABASE_UNREACHABLE: { exit: 5, meaning: "the database cannot be reached, or went away" },
  DATABASE_REFUSED: { exit: 3, meaning: "the database refuses the user, or what was asked of it" },
  DATABASE_VERSION: {
    exit: 3,
    meaning: "the server is older than PostgreSQL 15, or the tables are of a newer weightmark",
  },

  KEY_FILE_MALFORMED: { exit: 3, meaning: "the file is no watermark key, or was altered" },
  KEY_FILE_PERMISSIONS: { exit: 3, meaning: "others than its owner may read the key file" },
  KEY_PASSPHRASE_MISSING: { exit: 2, meaning: "the key needs a passphrase and none was given" },
  SKETCH_OF_ANOTHER_KEY: { exit: 3, meaning: "the sketch was made with another key" },
  SKETCH_MALFORMED: { exit: 3, meaning: "a re-synchronisation sketch is damaged or was not made by weightmark" },
  KEY_PASSPHRASE_WRONG: { exit: 3, meaning: "the passphrase does not open the key file" },
  TENSOR_TOO_LARGE: { exit: 3, meaning: "a tensor that can only be edited as a whole does not fit into memory" },

  PAYLOAD_INVALID: { exit: 2, meaning: "the payload is empty, not hex after 0x, or not printable text" },
  PAYLOAD_TOO_LONG: { exit: 2, meaning: "the payload is longer than 16 bytes, or than this model can carry" },
  MODEL_TOO_SMALL: { exit: 3, meaning: "the model is too small or too unusual for any mark" },
  QUANTIZED_WEIGHTS: { exit: 3, meaning: "quantised weights cannot be marked; mark the model they were made from" },
  ALREADY_MARKED: { exit: 3, meaning: "the model carries the mark of this key already" },
  PUBLIC_BASE: { exit: 3, meaning: "a registered base is involved; a mark beside public weights can be subtracted" },
  BASE_MISMATCH: { exit: 3, meaning: "the model is no fine-tune of the base that was named" },

  FORWARD_UNSUPPORTED: { exit: 3, meaning: "the model has something that the forward pass does not compute" },
  TOKENIZER_UNUSABLE: { exit: 3, meaning: "there is no tokenizer.json that can be used" },
  TOKENIZERS_DIFFER: { exit: 3, meaning: "two models turn a text into different tokens" },
  TOKENS_INVALID: { exit: 3, meaning: "the text or its token ids cannot be run through the models" },
  ENGINE_UNAVAILABLE: { exit: 3, meaning: "the engine asked for is not installed or does not work" },

  DTYPE_UNSUPPORTED: { exit: 3, meaning: "this element type cannot be decoded to f32" },
  KERNEL_MEMORY: { exit: 70, meaning: "the WebAssembly memory of the kernels cannot grow further" },
} as const satisfies Record<string, { exit: number; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** Where the problem lies and what to do next. Names are raw here and escaped by whoever prints them. */
export interface ErrorDetail {
  /** What to do next, one sentence. */
  readonly detail?: string | undefined;
  readonly file?: string | undefined;
  readonly tensor?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class of the library. */
export class WeightmarkError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly file: string | undefined;
  readonly tensor: string | undefined;

  constructor(code: ErrorCode, message: string, where: ErrorDetail = {}) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.name = "WeightmarkError";
    this.code = code;
    this.detail = where.detail;
    this.file = where.file;
    this.tensor = where.tensor;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

/** An error as plain data, for it loses its class and fields on the way between threads. */
export interface ErrorData extends Omit<ErrorDetail, "cause"> {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What `errorOf` makes an error of again. Throws whatever is no `WeightmarkError`. */
export function errorData(error: unknown): ErrorData {
  if (!(error instanceof WeightmarkError)) throw error;
  const { code, message, detail, file, tensor } = error;
  return { code, message, detail, file, tensor };
}

export function errorOf({ code, message, ...where }: ErrorData): WeightmarkError {
  return new WeightmarkError(code, message, where);
}
