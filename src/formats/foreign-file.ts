import type { ErrorCode } from "../errors.ts";

/** What a file is instead of safetensors. */
export interface ForeignFile {
  readonly code: ErrorCode;
  /** A noun phrase for people. */
  readonly what: string;
}

interface Magic extends ForeignFile {
  readonly bytes: string;
  /** Where the bytes stand. @default 0 */
  readonly at?: number;
}

const unsupported = (bytes: string, what: string, at = 0): Magic => ({
  code: "UNSUPPORTED_CONTAINER",
  bytes,
  what,
  at,
});
const compressed = (bytes: string, what: string): Magic => ({ code: "COMPRESSED_FILE", bytes, what });

/** Signatures as Latin-1 text, from the formats' own specifications. */
const MAGICS: readonly Magic[] = [
  {
    code: "GIT_LFS_POINTER",
    bytes: "version https://git-lfs",
    what: "a Git LFS pointer, not the weights it stands for",
  },
  {
    code: "GIT_LFS_POINTER",
    bytes: "version https://hawser.",
    what: "a Git LFS pointer, not the weights it stands for",
  },
  unsupported("PK\x03\x04", "a zip archive (PyTorch .bin/.pt, .npz and .keras files are zips)"),
  unsupported("PK\x05\x06", "an empty zip archive"),
  unsupported("GGUF", "a GGUF model"),
  unsupported("FUGG", "a big-endian GGUF model"),
  unsupported("tjgg", "a GGJT model (llama.cpp before GGUF)"),
  unsupported("fmgg", "a GGMF model (llama.cpp before GGUF)"),
  unsupported("lmgg", "a GGML model (llama.cpp before GGUF)"),
  unsupported("\x89HDF\r\n\x1a\n", "an HDF5 file (Keras .h5)"),
  unsupported("\x93NUMPY", "a NumPy array"),
  unsupported("TFL3", "a TensorFlow Lite model", 4),
  unsupported("ustar", "a tar archive", 257),
  unsupported("\x7fELF", "an executable"),
  unsupported("%PDF-", "a PDF document"),
  unsupported("\x89PNG\r\n", "a PNG picture"),
  compressed("\x1f\x8b", "gzip"),
  compressed("\x28\xb5\x2f\xfd", "zstd"),
  compressed("\xfd7zXZ\x00", "xz"),
  compressed("BZh", "bzip2"),
  compressed("7z\xbc\xaf\x27\x1c", "7-Zip"),
  compressed("\x04\x22\x4d\x18", "LZ4"),
];

/** What pickles of models begin with after PROTO and its version; legacy PyTorch files begin with LONG1. */
const PICKLE_OPCODES = "\x8a\x95}](cX\x8c";
const HTML = /^\s*<(?:!doctype\s+html|html|head|body|\?xml|!--)/i;
const TEXT = /^[\t\n\r\x20-\x7e]{8,}$/;

function isPickle(text: string): boolean {
  const version = text.charCodeAt(1);
  return text[0] === "\x80" && version >= 2 && version <= 5 && PICKLE_OPCODES.includes(text[2] ?? "none");
}

/**
 * What the first bytes of a file say it is, or null: asked once it is clear that they do not begin safetensors. A name's
 * extension plays no part.
 *
 * @param head the first bytes, 512 or more where there are as many
 */
export function recogniseForeignFile(head: Uint8Array): ForeignFile | null {
  const text = Buffer.from(head.subarray(0, 512)).toString("latin1");
  for (const { bytes, at = 0, code, what } of MAGICS) {
    if (text.startsWith(bytes, at)) return { code, what };
  }
  if (isPickle(text))
    return { code: "UNSUPPORTED_CONTAINER", what: "a Python pickle (PyTorch before 1.6, joblib ...)" };
  const unmarked = text.replace(/^\xef\xbb\xbf/, "");
  if (HTML.test(unmarked)) return { code: "HTML_PAGE", what: "a web page, perhaps a server's error message" };
  if (TEXT.test(unmarked.slice(0, 64))) return { code: "TEXT_FILE", what: "a text, perhaps a server's error message" };
  return null;
}
