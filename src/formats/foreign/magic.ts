import type { ContainerKind } from "./containers.ts";

/** Bytes that a kind of file has at a place where nothing else has them. */
interface Magic {
  readonly kind: ContainerKind;
  /** As Latin-1 text. */
  readonly bytes: string;
  /** Where they stand. @default 0 */
  readonly at?: number;
}

/** Signatures from the formats' own specifications and programs; the more telling ones first. */
const MAGICS: readonly Magic[] = [
  { kind: "lfs", bytes: "version https://git-lfs" },
  { kind: "lfs", bytes: "version https://hawser." },
  { kind: "xet", bytes: "# xet version " },
  { kind: "emptyZip", bytes: "PK\x05\x06" },
  { kind: "gguf", bytes: "GGUF" },
  { kind: "gguf", bytes: "FUGG" },
  { kind: "ggml", bytes: "tjgg" },
  { kind: "ggml", bytes: "fmgg" },
  { kind: "ggml", bytes: "lmgg" },
  { kind: "ggml", bytes: "algg" },
  { kind: "llamafile", bytes: "MZqFpD=" },
  { kind: "numpy", bytes: "\x93NUMPY" },
  { kind: "tfLite", bytes: "TFL3", at: 4 },
  { kind: "ort", bytes: "ORTM", at: 4 },
  { kind: "torchMobile", bytes: "PTMF", at: 4 },
  { kind: "execuTorch", bytes: "ET12", at: 4 },
  { kind: "rknn", bytes: "RKNN", at: 4 },
  { kind: "rknn", bytes: "RKNN" },
  { kind: "rknn", bytes: "CYPTRKNN" },
  { kind: "liteRtLm", bytes: "LITERTLM" },
  { kind: "tensorRt", bytes: "ftrt" },
  { kind: "tensorRt", bytes: "ptrt" },
  { kind: "ncnn", bytes: "\xdd\x85\x76\x00" },
  { kind: "ncnn", bytes: "7767517\n" },
  { kind: "ncnn", bytes: "7767517\r\n" },
  { kind: "mxnet", bytes: "\x12\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" },
  { kind: "orbax", bytes: "\x0c\xdb\x3a\x2a" },
  { kind: "matlab", bytes: "MATLAB 5.0 MAT-file" },
  { kind: "matlab", bytes: "MATLAB 7.3 MAT-file" },
  { kind: "parquet", bytes: "PAR1" },
  { kind: "arrow", bytes: "ARROW1\x00\x00" },
  { kind: "avro", bytes: "Obj\x01" },
  { kind: "sqlite", bytes: "SQLite format 3\x00" },
  { kind: "gzip", bytes: "\x1f\x8b\x08" },
  { kind: "zstd", bytes: "\x28\xb5\x2f\xfd" },
  { kind: "xz", bytes: "\xfd7zXZ\x00" },
  { kind: "sevenZip", bytes: "7z\xbc\xaf\x27\x1c" },
  { kind: "lz4", bytes: "\x04\x22\x4d\x18" },
  { kind: "rar", bytes: "Rar!\x1a\x07" },
  { kind: "age", bytes: "age-encryption.org/v1" },
  { kind: "age", bytes: "-----BEGIN AGE ENCRYPTED FILE-----" },
  { kind: "gpg", bytes: "-----BEGIN PGP MESSAGE-----" },
  // A session key under a passphrase (version 4, AES, iterated and salted), or for the usual kinds of public keys.
  { kind: "gpg", bytes: "\x8c\x0d\x04\x07\x03" },
  { kind: "gpg", bytes: "\x8c\x0d\x04\x09\x03" },
  { kind: "gpg", bytes: "\x85\x01\x0c\x03" },
  { kind: "gpg", bytes: "\x85\x01\x8c\x03" },
  { kind: "gpg", bytes: "\x85\x02\x0c\x03" },
  { kind: "gpg", bytes: "\x84\x5e\x03" },
  { kind: "openSsl", bytes: "Salted__" },
  { kind: "ansible", bytes: "$ANSIBLE_VAULT;" },
  { kind: "pdf", bytes: "%PDF-" },
  { kind: "media", bytes: "\x89PNG\r\n" },
  { kind: "media", bytes: "\xff\xd8\xff" },
  { kind: "media", bytes: "GIF8" },
  { kind: "media", bytes: "RIFF" },
  { kind: "media", bytes: "ftyp", at: 4 },
  { kind: "media", bytes: "OggS" },
  { kind: "media", bytes: "fLaC" },
  { kind: "program", bytes: "\x7fELF" },
  { kind: "program", bytes: "\xcf\xfa\xed\xfe" },
];

const HDF5 = "\x89HDF\r\n\x1a\n";
/** Where HDF5 may begin: at the start, or behind a block of somebody else's (MATLAB's) of 512 bytes or a doubling of that. */
const HDF5_PLACES = [0, 512, 1024, 2048, 4096, 8192];

/**
 * The kind that a signature tells, or null.
 *
 * @param text the first bytes of a file as Latin-1
 */
export function kindByMagic(text: string): ContainerKind | null {
  const found = MAGICS.find(({ bytes, at = 0 }) => text.startsWith(bytes, at));
  if (found !== undefined) return found.kind;
  if (HDF5_PLACES.some((at) => text.startsWith(HDF5, at))) return "hdf5";
  if (text.startsWith("BZh") && text.startsWith("1AY", 4)) return "bzip2";
  return isWindowsProgram(text) ? "program" : null;
}

/** "MZ" alone begins too much; the place that it points to must say that it is a program. */
function isWindowsProgram(text: string): boolean {
  if (!text.startsWith("MZ") || text.length < 64) return false;
  const at = Buffer.from(text.slice(60, 64), "latin1").readUInt32LE(0);
  return text.startsWith("PE\x00\x00", at);
}
