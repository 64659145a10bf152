#!/usr/bin/env node
/**
 * Writes the corpus beside it: node tests/vectors/make.mjs. The corpus is for every reader of safetensors and GGUF, not only ours:
 * `manifest.json` lists {file, kind, expect, why, reference} where `expect` is "ok" or our error code and `reference`
 * tells what the reference implementation (safetensors 0.8.0) does with the file, "accepts" or "refuses".
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ggufFile } from "../support/gguf-file.mjs";
import { ARCHIVE_VECTORS, CT2_VECTORS } from "./make-archives.mjs";
import { ARRAY_VECTORS } from "./make-arrays.mjs";
import { ONNX_VECTORS } from "./make-onnx.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const manifest = [];

function add(kind, file, expect, why, bytes, reference) {
  mkdirSync(dirname(join(here, file)), { recursive: true });
  writeFileSync(join(here, file), bytes);
  manifest.push({ file, kind, expect, why, ...(reference === undefined ? {} : { reference }) });
}

const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const joined = (...parts) => new Uint8Array(Buffer.concat(parts));
/** An array of arrays of arrays. */
const nest = (depth) => (depth === 0 ? { of: "u8", items: [1] } : { of: "array", items: [nest(depth - 1)] });
const latin1 = (text) => Buffer.from(text, "latin1");
const zeros = (n) => Buffer.alloc(n);

/** A file with this header, whatever it is, and `dataBytes` of data. */
function build(header, dataBytes = 0) {
  const text = Buffer.isBuffer(header) ? header : Buffer.from(header, "utf8");
  const data = typeof dataBytes === "number" ? zeros(dataBytes) : dataBytes;
  return Buffer.concat([u64(text.length), text, data]);
}

/** A file that must be refused; the reference refuses it too unless told otherwise. */
function bad(name, expect, why, bytes, reference = "refuses") {
  add("safetensors", `bad/${name}.safetensors`, expect, why, bytes, reference);
}

function good(name, why, bytes) {
  add("safetensors", `good/${name}.safetensors`, "ok", why, bytes, "accepts");
}

const entry = (dtype, shape, begin, end) => `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;
const one = (name, value) => `{${JSON.stringify(name)}:${value}}`;
const U8 = entry("U8", "1", 0, 1);

for (const directory of ["bad", "good", "gguf", "index", "arrays", "onnx"]) rmSync(join(here, directory), { recursive: true, force: true });

// ---- good, though odd
good("empty-object", "no tensors at all", build("{}"));
good("plain", "one tensor and metadata", build(`{"__metadata__":{"format":"pt"},"w":${entry("F32", "2,2", 0, 16)}}`, 16));
good("space-around", "JSON white space before and after", build(` \n\t\r{"w":${U8}} \n\t\r`, 1));
good("unaligned", "header and data at odd offsets", build(`{"a":${U8},"b":${entry("F64", "1", 1, 9)}}`, 9));
good("not-in-offset-order", "header order is not file order", build(`{"b":${entry("U8", "1", 1, 2)},"a":${U8}}`, 2));
good("empties-share-an-offset", "several tensors without bytes at one offset", build(`{"a":${entry("F32", "0", 0, 0)},"b":${entry("F32", "0,5", 0, 0)},"c":${U8}}`, 1));
good("scalar", "a tensor of no dimensions has one element", build(one("s", entry("F64", "", 0, 8)), 8));
good("name-proto", "__proto__ is a name like any other", build(`{"__proto__":${U8}}`, 1));
good("name-16000", "the longest name that is read", build(one("n".repeat(16_000), U8), 1));
good("name-escape-sequence", "a name that would clear a terminal", build(`{"\\u001b[2J":${U8}}`, 1));
good("name-path", "a name that looks like a path", build(`{"../../etc/passwd":${U8}}`, 1));
good("name-empty", "the empty name", build(`{"":${U8}}`, 1));
good("name-nul", "a name with NUL in it", build(`{"a\\u0000b":${U8}}`, 1));
good("name-rtl-override", "a name that a terminal shows backwards", build(`{"\u202eabc":${U8}}`, 1));
good("name-astral-escaped", "a surrogate pair written as two escapes", build(`{"\\ud83d\\ude00":${U8}}`, 1));
good("name-bom", "a byte order mark inside a name", build(`{"\ufeffw":${U8}}`, 1));
good("names-normalised-apart", "two names that only normalisation makes equal", build(`{"\u00e9":${U8},"e\u0301":${entry("U8", "1", 1, 2)}}`, 2));
good("escaped-field-names", "field names written with escapes", build(`{"w":{"\\u0064type":"U8","sha\\u0070e":[1],"data_offsets":[0,1]}}`, 1));
good("unknown-field", "a field that safetensors does not know", build(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{"y":[1.5e3,null,true]}}}`, 1));
good("metadata-null", "metadata that is null", build(`{"__metadata__":null,"w":${U8}}`, 1));
good("metadata-last", "metadata after the tensors", build(`{"w":${U8},"__metadata__":{"":"","\u00e9":"\u{1f600}"}}`, 1));
good("sub-byte", "types below 8 bits that fill whole bytes", build(`{"a":${entry("F4", "2,3", 0, 3)},"b":${entry("F6_E2M3", "4", 3, 6)},"c":${entry("F6_E3M2", "8", 6, 12)}}`, 12));
good("every-dtype", "all 22 element types, four elements each", everyDtype());
good("depth-64", "64 nested values, the most we read", build(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":${"[".repeat(62)}${"]".repeat(62)}}}`));
good("rank-64", "64 dimensions, the most we read", build(one("w", entry("U8", Array(64).fill(1).join(), 0, 1)), 1));
good("zero-times-large", "no bytes: one dimension is zero, another large", build(one("w", entry("U8", "0,9007199254740991", 0, 0))));
good("data-ends-like-zip", "data that end in a zip signature, too short for a zip directory", build(one("w", entry("U8", "40", 0, 40)), Buffer.concat([zeros(36), latin1("PK\x05\x06")])));
good("data-like-zip", "data that hold a zip signature but no zip directory", build(one("w", entry("U8", "40", 0, 40)), Buffer.concat([latin1("PK\x05\x06"), Buffer.alloc(36, 0xff)])));

function everyDtype() {
  const bits = { BOOL: 8, F4: 4, F6_E2M3: 6, F6_E3M2: 6, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8, I16: 16, U16: 16, F16: 16, BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64 };
  let at = 0;
  const entries = Object.entries(bits).map(([dtype, size]) => {
    const begin = at;
    at += size / 2;
    return `"${dtype}":${entry(dtype, "4", begin, at)}`;
  });
  return build(`{${entries}}`, at);
}

// ---- prefix
bad("empty-file", "EMPTY_FILE", "no bytes", zeros(0));
bad("seven-bytes", "ST_TRUNCATED_PREFIX", "the length itself is cut off", zeros(7));
bad("header-zero", "ST_HEADER_EMPTY", "a header of no bytes", zeros(8));
bad("header-100mb-and-1", "ST_HEADER_TOO_LARGE", "one byte above the limit", Buffer.concat([u64(100_000_001), latin1("{}")]));
for (const [name, length] of [["2-53", 2n ** 53n], ["2-63", 2n ** 63n], ["2-64-less-1", 2n ** 64n - 1n]]) {
  bad(`header-${name}`, "ST_HEADER_TOO_LARGE", "a length that overflows somebody's integer", Buffer.concat([u64(length), latin1("{}")]));
}
bad("header-beyond-file", "ST_HEADER_TRUNCATED", "the header is longer than the file", Buffer.concat([u64(3), latin1("{}")]));
bad("header-cut", "ST_INVALID_JSON", "the length ends inside the JSON", Buffer.concat([u64(1), latin1("{}")]));

// ---- JSON
bad("nul-padding", "ST_INVALID_JSON", "NUL after the JSON", build("{}\0\0\0\0\0\0"));
bad("bom", "ST_INVALID_JSON", "a byte order mark before the JSON", build("\ufeff{}"));
bad("second-value", "ST_INVALID_JSON", "another value after the first", build("{}{}"));
bad("trailing-garbage", "ST_INVALID_JSON", "a byte after the JSON", build("{}x"));
bad("trailing-comma", "ST_INVALID_JSON", "a comma after the last entry", build(`{"w":${U8},}`, 1));
bad("comment", "ST_INVALID_JSON", "JSON has no comments", build("/**/{}"));
bad("form-feed", "ST_INVALID_JSON", "form feed is no JSON white space", build("{}\f"));
bad("only-space", "ST_INVALID_JSON", "white space and nothing else", build("        "));
bad("single-quotes", "ST_INVALID_JSON", "strings in single quotes", build(`{'w':${U8}}`, 1));
bad("control-character", "ST_INVALID_JSON", "a raw control character in a string", build(`{"a\u0001":${U8}}`, 1));
bad("bad-escape", "ST_INVALID_JSON", "an escape that JSON does not have", build(`{"\\x41":${U8}}`, 1));
bad("bad-hex", "ST_INVALID_JSON", "an escape with a letter beyond f", build(`{"\\u00g0":${U8}}`, 1));
bad("nan", "ST_INVALID_JSON", "NaN is not JSON", build(`{"w":{"dtype":"U8","shape":[NaN],"data_offsets":[0,1]}}`, 1));
bad("leading-zero", "ST_INVALID_JSON", "a number that begins with 0", build(one("w", entry("U8", "01", 0, 1)), 1));
bad("plus-sign", "ST_INVALID_JSON", "a number that begins with +", build(one("w", entry("U8", "+1", 0, 1)), 1));
bad("unclosed", "ST_INVALID_JSON", "the object is never closed", build(`{"w":${U8}`, 1));
bad("mismatched-brackets", "ST_INVALID_JSON", "an object closed by a bracket", build("{]"));
bad("utf8-invalid", "ST_NOT_UTF8", "a byte that begins no character", build(latin1('{"\xff":1}')));
bad("utf8-overlong", "ST_NOT_UTF8", "NUL written in two bytes", build(latin1('{"\xc0\x80":1}')));
bad("utf8-surrogate", "ST_NOT_UTF8", "a surrogate encoded as UTF-8", build(latin1('{"\xed\xa0\x80":1}')));
bad("utf8-cut", "ST_NOT_UTF8", "a character cut off by the quote", build(latin1('{"\xe2\x82":1}')));
bad("lone-high-surrogate", "ST_NOT_UTF8", "half of a pair, at the end", build(`{"\\ud800":${U8}}`, 1));
bad("lone-low-surrogate", "ST_NOT_UTF8", "the second half alone", build(`{"\\udc00":${U8}}`, 1));
bad("high-high-surrogate", "ST_NOT_UTF8", "two first halves", build(`{"\\ud800\\ud800":${U8}}`, 1));
bad("high-surrogate-then-newline", "ST_NOT_UTF8", "half of a pair, then another escape", build(`{"\\ud800\\n":${U8}}`, 1));
bad("depth-65", "ST_DEPTH_LIMIT", "65 nested values", build(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":${"[".repeat(63)}${"]".repeat(63)}}}`), "accepts");
bad("depth-3000", "ST_DEPTH_LIMIT", "3,000 nested values", build(`{"w":{"x":${"[".repeat(3000)}${"]".repeat(3000)}}}`));
bad("name-16001", "ST_TOKEN_LIMIT", "a name of 16,001 bytes", build(one("n".repeat(16_001), U8), 1), "accepts");
bad("number-65-digits", "ST_TOKEN_LIMIT", "a number of 65 digits", build(one("w", entry("U8", "1".repeat(65), 0, 1)), 1));

// ---- structure
bad("root-array", "ST_ROOT_NOT_OBJECT", "an array for a header", build("[]"));
bad("root-string", "ST_ROOT_NOT_OBJECT", "a string for a header", build('"x"'));
bad("root-number", "ST_ROOT_NOT_OBJECT", "a number for a header", build("1 "));
bad("root-null", "ST_ROOT_NOT_OBJECT", "null for a header", build("null"));
bad("duplicate-tensor", "ST_DUPLICATE_KEY", "a name twice with the same range: last wins elsewhere", build(`{"w":${U8},"w":${entry("I8", "1", 0, 1)}}`, 1), "accepts");
bad("duplicate-tensor-escaped", "ST_DUPLICATE_KEY", "a name twice, once written with an escape", build(`{"w":${U8},"\\u0077":${U8}}`, 1), "accepts");
bad("duplicate-field", "ST_DUPLICATE_KEY", "dtype twice", build(`{"w":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1));
bad("duplicate-shape", "ST_DUPLICATE_KEY", "shape twice", build(`{"w":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}`, 1));
bad("duplicate-offsets", "ST_DUPLICATE_KEY", "data_offsets twice", build(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}}`, 1));
bad("duplicate-unknown-field", "ST_DUPLICATE_KEY", "an unknown field twice", build(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1,"x":2}}`, 1), "accepts");
bad("duplicate-metadata", "ST_DUPLICATE_KEY", "__metadata__ twice", build('{"__metadata__":{},"__metadata__":{}}'));
bad("duplicate-metadata-key", "ST_DUPLICATE_KEY", "a metadata key twice", build('{"__metadata__":{"a":"1","a":"2"}}'), "accepts");
bad("metadata-array", "ST_METADATA_INVALID", "metadata is a list", build('{"__metadata__":[]}'));
bad("metadata-number", "ST_METADATA_INVALID", "a metadata value is a number", build('{"__metadata__":{"a":1}}'));
bad("metadata-nested", "ST_METADATA_INVALID", "a metadata value is an object", build('{"__metadata__":{"a":{}}}'));
bad("metadata-true", "ST_METADATA_INVALID", "metadata is true", build('{"__metadata__":true}'));
bad("entry-array", "ST_ENTRY_INVALID", "an entry as a list of its fields", build('{"w":["U8",[1],[0,1]]}', 1), "accepts");
bad("entry-null", "ST_ENTRY_INVALID", "an entry that is null", build('{"w":null}'));
bad("no-dtype", "ST_ENTRY_INVALID", "no dtype", build('{"w":{"shape":[1],"data_offsets":[0,1]}}', 1));
bad("no-shape", "ST_ENTRY_INVALID", "no shape", build('{"w":{"dtype":"U8","data_offsets":[0,1]}}', 1));
bad("no-offsets", "ST_ENTRY_INVALID", "no data_offsets", build('{"w":{"dtype":"U8","shape":[1]}}', 1));
bad("one-offset", "ST_ENTRY_INVALID", "data_offsets with one number", build('{"w":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', 1));
bad("three-offsets", "ST_ENTRY_INVALID", "data_offsets with three numbers", build('{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', 1));
bad("offsets-object", "ST_ENTRY_INVALID", "data_offsets as an object", build('{"w":{"dtype":"U8","shape":[1],"data_offsets":{}}}', 1));
bad("shape-string", "ST_ENTRY_INVALID", "shape as a string", build('{"w":{"dtype":"U8","shape":"1","data_offsets":[0,1]}}', 1));
bad("dtype-number", "ST_ENTRY_INVALID", "dtype as a number", build('{"w":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}', 1));
bad("dtype-map", "ST_ENTRY_INVALID", "dtype as a map of one key", build('{"w":{"dtype":{"U8":null},"shape":[1],"data_offsets":[0,1]}}', 1), "accepts");
bad("unknown-fields-65", "ST_ENTRY_INVALID", "65 unknown fields in one entry", build(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],${Array.from({ length: 65 }, (_, i) => `"x${i}":1`)}}}`, 1), "accepts");
bad("dtype-unknown", "ST_UNKNOWN_DTYPE", "an element type that does not exist", build(one("w", entry("F128", "1", 0, 16)), 16));
bad("dtype-lower-case", "ST_UNKNOWN_DTYPE", "an element type in lower case", build(one("w", entry("f32", "1", 0, 4)), 4));
bad("dtype-proto", "ST_UNKNOWN_DTYPE", "an element type called like a method of objects", build(one("w", entry("toString", "1", 0, 4)), 4));

// ---- integers
for (const [name, text] of [["float", "2.0"], ["exponent", "2e0"], ["negative", "-2"], ["minus-zero", "-0"], ["of-text", '"2"'], ["null", "null"], ["true", "true"], ["nested", "[2]"], ["object", "{}"]]) {
  bad(`shape-${name}`, "ST_INTEGER_INVALID", `a dimension written ${text}`, build(`{"w":{"dtype":"U8","shape":[${text}],"data_offsets":[0,2]}}`, 2));
}
bad("offset-float", "ST_INTEGER_INVALID", "an offset written 2.0", build('{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2.0]}}', 2));
bad("offset-negative", "ST_INTEGER_INVALID", "an offset below zero", build('{"w":{"dtype":"U8","shape":[2],"data_offsets":[-2,0]}}', 2));
bad("shape-2-53", "ST_INTEGER_TOO_LARGE", "2^53 in a shape without elements: exact elsewhere, not in doubles", build(one("w", entry("U8", "0,9007199254740993", 0, 0))), "accepts");
bad("shape-2-64", "ST_INTEGER_TOO_LARGE", "2^64 in a shape", build(one("w", entry("U8", "18446744073709551616", 0, 0))));
bad("offset-2-53", "ST_INTEGER_TOO_LARGE", "an offset that doubles round", build(one("w", entry("U8", "1", "9007199254740992", "9007199254740993")), 1));
bad("offset-overflows-with-header", "ST_INTEGER_TOO_LARGE", "an offset whose position in the file is above 2^53", build(one("w", entry("U8", "1", "9007199254740990", "9007199254740991")), 1));
bad("unknown-number-overflows", "ST_INTEGER_TOO_LARGE", "a number in an unknown field that no double holds", build('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1e999}}'));
bad("rank-65", "ST_RANK_LIMIT", "65 dimensions", build(one("w", entry("U8", Array(65).fill(1).join(), 0, 1)), 1), "accepts");
bad("product-overflow", "ST_SIZE_OVERFLOW", "2^40 x 2^40 elements: zero in 64-bit arithmetic", build(one("w", entry("U8", "1099511627776,1099511627776", 0, 0))));
bad("product-overflow-then-zero", "ST_SIZE_OVERFLOW", "2^54 elements times zero", build(one("w", entry("U8", "134217728,134217728,0", 0, 0))), "accepts");
bad("bits-overflow", "ST_SIZE_OVERFLOW", "2^52 elements of 64 bits", build(one("w", entry("F64", "4503599627370496", 0, 8)), 8));

// ---- ranges
bad("sub-byte-misfit", "ST_SUBBYTE_MISFIT", "three elements of 4 bits", build(one("w", entry("F4", "3", 0, 2)), 2));
bad("range-too-short", "ST_SIZE_MISMATCH", "fewer bytes than the shape needs", build(one("w", entry("F32", "2", 0, 4)), 4));
bad("range-too-long", "ST_SIZE_MISMATCH", "more bytes than the shape needs", build(one("w", entry("F32", "1", 0, 8)), 8));
bad("range-reversed", "ST_RANGE_REVERSED", "the end before the begin", build(one("w", entry("U8", "1", 1, 0)), 1));
bad("overlap", "ST_OVERLAP", "two tensors share bytes", build(`{"a":${entry("U8", "2", 0, 2)},"b":${entry("U8", "2", 1, 3)}}`, 3));
bad("same-range", "ST_OVERLAP", "two names for the same bytes", build(`{"a":${U8},"b":${U8}}`, 1));
bad("empty-inside", "ST_OVERLAP", "a tensor without bytes inside another", build(`{"a":${entry("U8", "2", 0, 2)},"b":${entry("U8", "0", 1, 1)}}`, 2));
bad("hole-first", "ST_HOLE", "bytes before the first tensor", build(one("w", entry("U8", "1", 1, 2)), 2));
bad("hole-between", "ST_HOLE", "bytes between two tensors", build(`{"a":${U8},"b":${entry("U8", "1", 2, 3)}}`, 3));
bad("tail", "ST_TRAILING_DATA", "bytes after the last tensor", build(`{"w":${U8}}`, 2));
bad("tail-without-tensors", "ST_TRAILING_DATA", "bytes that no tensor owns", build("{}", 8));
bad("data-cut", "ST_DATA_TRUNCATED", "the last byte is missing", build(one("w", entry("U8", "2", 0, 2)), 1));
bad("data-absent", "ST_DATA_TRUNCATED", "the header and nothing else", build(one("w", entry("F32", "1000000", 0, 4000000))));

// ---- something else under this name
const zipEnd = (commentBytes, directoryBytes, directoryStart) => {
  const record = Buffer.alloc(22);
  record.write("PK\x05\x06", "latin1");
  record.writeUInt32LE(directoryBytes, 12);
  record.writeUInt32LE(directoryStart, 16);
  record.writeUInt16LE(commentBytes, 20);
  return record;
};

/** A zip of one empty member called x, with a comment of `commentBytes` zeros. */
function smallZip(commentBytes) {
  const local = Buffer.alloc(31);
  local.write("PK\x03\x04", "latin1");
  local.writeUInt16LE(1, 26);
  local.write("x", 30);
  const directory = Buffer.alloc(47);
  directory.write("PK\x01\x02", "latin1");
  directory.writeUInt16LE(1, 28);
  directory.write("x", 46);
  const end = zipEnd(commentBytes, directory.length, local.length);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  return Buffer.concat([local, directory, end, zeros(commentBytes)]);
}
bad("polyglot-zip", "ST_POLYGLOT", "a zip archive inside a tensor at the end", build(one("w", entry("U8", "100", 0, 100)), smallZip(0)), "accepts");
bad("polyglot-zip-comment", "ST_POLYGLOT", "the same, its directory hidden by a comment", build(one("w", entry("U8", "120", 0, 120)), smallZip(20)), "accepts");
bad("git-lfs-pointer", "GIT_LFS_POINTER", "the pointer was downloaded instead of the file", `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 4976698672\n`);
bad("html-page", "HTML_PAGE", "an error page was saved instead of the file", "<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n");
bad("error-text", "TEXT_FILE", "an error message was saved instead of the file", "Entry not found");
bad("error-json", "TEXT_FILE", "an error object was saved instead of the file", '{"error":"Repository not found"}\n');
bad("zip", "UNSUPPORTED_CONTAINER", "a zip (PyTorch since 1.6)", Buffer.concat([latin1("PK\x03\x04\x00\x00\x08\x08"), zeros(40)]));
bad("zip-empty", "UNSUPPORTED_CONTAINER", "a zip without members", zipEnd(0, 0, 0));
bad("pickle", "UNSUPPORTED_CONTAINER", "a pickle (PyTorch before 1.6)", Buffer.concat([latin1("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), zeros(16)]));
bad("gguf", "UNSUPPORTED_CONTAINER", "a GGUF model", Buffer.concat([latin1("GGUF"), zeros(20)]));
bad("numpy", "UNSUPPORTED_CONTAINER", "a NumPy array", latin1("\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }\n"));
bad("hdf5", "UNSUPPORTED_CONTAINER", "an HDF5 file", Buffer.concat([latin1("\x89HDF\r\n\x1a\n"), zeros(40)]));
bad("tar", "UNSUPPORTED_CONTAINER", "a tar archive", Buffer.concat([latin1("model.bin"), zeros(248), latin1("ustar\x0000"), zeros(247)]));
bad("gzip", "COMPRESSED_FILE", "a compressed safetensors file", Buffer.from("1f8b0800000000000003336580806aa57225ab6aa59492ca8254252ba5500b251da5e28c441027da3056472925b124313e3f2dad38b5a458c92ada40c730b6b6960100bd4aaf233e000000", "hex"));
bad("gzip-small-prefix", "COMPRESSED_FILE", "gzip whose first 8 bytes are a plausible header length", Buffer.concat([latin1("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"), zeros(600_000 - 10)]).subarray(0, 40));
bad("zstd", "COMPRESSED_FILE", "a zstd frame", Buffer.concat([latin1("\x28\xb5\x2f\xfd\x24\x00\x01\x00"), zeros(8)]));
bad("random", "ST_HEADER_TOO_LARGE", "bytes that are nothing known", latin1("\x9c\x1e\x07\xa2\x53\xd0\x0b\x88\x44\xf1\x6e\x00"));

// ---- GGUF
function gguf(name, expect, why, parts) {
  add("gguf", `gguf/${name}.gguf`, expect, why, parts instanceof Uint8Array ? parts : ggufFile(parts));
}
const f32 = (name, shape = [4], more = {}) => ({ name, type: "F32", shape, data: zeros(4 * shape.reduce((a, b) => a * Number(b), 1)), ...more });
const q8 = (name, shape = [2, 32], blocks = 2) => ({ name, type: "Q8_0", shape, data: zeros(34 * blocks) });
const arch = ["general.architecture", "text", "llama"];
gguf("plain", "ok", "a key and two tensors", { metadata: [arch], tensors: [f32("a"), q8("b")] });
gguf("no-tensors", "ok", "a vocabulary alone", { metadata: [["tokenizer.ggml.tokens", "array", { of: "text", items: ["a", "", "\u2581b"] }]] });
gguf("version-2", "ok", "the version before", { version: 2, metadata: [arch], tensors: [f32("a")] });
gguf("big-endian", "ok", "written on a machine of the other byte order", { littleEndian: false, metadata: [arch, ["n", "u64", 7]], tensors: [f32("a")] });
gguf("every-value-type", "ok", "a value of each type", { metadata: [["a", "u8", 1], ["b", "i8", -1], ["c", "u16", 1], ["d", "i16", -1], ["e", "u32", 1], ["f", "i32", -1], ["g", "f32", 0.5], ["h", "bool", true], ["i", "text", "x"], ["j", "u64", 2n ** 63n], ["k", "i64", -(2n ** 63n)], ["l", "f64", 0.1], ["m", "array", { of: "i32", items: [1, 2] }], ["n", "array", { of: "array", items: [{ of: "u8", items: [1] }, { of: "text", items: ["y"] }] }]] });
gguf("alignment-64", "ok", "another alignment than 32", { alignment: 64, metadata: [["general.alignment", "u32", 64]], tensors: [f32("a"), f32("b")] });
gguf("empties-share-an-offset", "ok", "tensors without elements at one offset", { tensors: [f32("a", [0]), f32("b", [0, 5]), f32("c")] });
gguf("scalar", "ok", "a tensor of no dimensions", { tensors: [f32("a", [])] });
gguf("not-in-offset-order", "ok", "the list is not in the order of the file", { tensors: [f32("a", [8], { offset: 32 }), f32("b", [8], { offset: 0 })] });
gguf("type-not-known", "ok", "a type that nobody knows yet, as large as there is room", { tensors: [f32("a"), { name: "b", type: 999, shape: [64], data: zeros(32) }, f32("c")] });
gguf("name-proto", "ok", "__proto__ is a name like any other", { metadata: [["__proto__", "text", "__proto__"]], tensors: [f32("__proto__")] });
gguf("empty", "EMPTY_FILE", "no bytes", zeros(0));
gguf("magic-alone", "GGUF_TRUNCATED", "the file ends behind its magic", latin1("GGUF"));
gguf("safetensors", "UNSUPPORTED_CONTAINER", "safetensors under the name of GGUF", build("{}"));
gguf("nothing-known", "UNSUPPORTED_CONTAINER", "bytes that are nothing known", latin1("\x9c\x1e\x07\xa2\x53\xd0\x0b\x88\x44\xf1\x6e\x00"));
gguf("html-page", "HTML_PAGE", "an error page was saved instead of the file", Buffer.from("<!DOCTYPE html>\n<html></html>\n"));
gguf("version-1", "GGUF_VERSION", "the first version, whose lengths have 32 bits", { version: 1 });
gguf("version-4", "GGUF_VERSION", "a version that does not exist", { version: 4 });
gguf("version-0", "GGUF_VERSION", "no version", { version: 0 });
gguf("version-1-big-endian", "GGUF_VERSION", "the first version of the other byte order", { version: 1, littleEndian: false });
gguf("entries-2-64", "GGUF_LIMIT", "more metadata than there can be", { entries: 2n ** 64n - 1n });
gguf("tensors-2-63", "GGUF_LIMIT", "more tensors than there can be", { count: 2n ** 63n });
gguf("tensors-missing", "GGUF_TRUNCATED", "a tensor more is counted than listed", ggufFile({ count: 2, tensors: [f32("a")] }).subarray(0, 60));
gguf("entry-missing", "GGUF_TRUNCATED", "an entry more is counted than there is", { entries: 2, metadata: [arch] });
gguf("key-64-kib", "GGUF_LIMIT", "a key of 65,536 bytes", { metadata: [["k".repeat(65_536), "u8", 1]] });
gguf("key-length-2-63", "GGUF_LIMIT", "a key longer than any file", joined(ggufFile({ entries: 1 }), u64(2n ** 63n)));
gguf("key-not-utf8", "GGUF_METADATA_INVALID", "a key that is no UTF-8", { metadata: [[latin1("\xff"), "u8", 1]] });
gguf("key-twice", "GGUF_DUPLICATE_KEY", "a key twice", { metadata: [arch, arch] });
gguf("value-type-13", "GGUF_METADATA_INVALID", "a type of values that does not exist", { metadata: [["a", 13, { of: 13, items: [] }]] });
gguf("value-bool-2", "GGUF_METADATA_INVALID", "a bool of 2", { metadata: [["a", "bool", 2]] });
gguf("value-not-utf8", "GGUF_METADATA_INVALID", "a text that is no UTF-8", { metadata: [["a", "text", latin1("\xc3")]] });
gguf("text-length-2-62", "GGUF_TRUNCATED", "a text longer than any file", joined(ggufFile({ entries: 1 }), u64(1), latin1("a"), u32(8), u64(2n ** 62n)));
gguf("array-type-13", "GGUF_METADATA_INVALID", "an array of a type that does not exist", { metadata: [["a", "array", { of: 13, items: [] }]] });
gguf("array-of-bools-2", "GGUF_METADATA_INVALID", "an array with a bool of 2", { metadata: [["a", "array", { of: "bool", items: [1, 2] }]] });
gguf("array-in-array-type-13", "GGUF_METADATA_INVALID", "an array in an array, of a type that does not exist", { metadata: [["a", "array", { of: "array", items: [{ of: 13, items: [] }] }]] });
gguf("array-count-2-61", "GGUF_TRUNCATED", "an array of more numbers than any file has", { metadata: [["a", "array", { of: "u64", items: [], count: 2n ** 61n }]] });
gguf("array-of-texts-2-61", "GGUF_TRUNCATED", "an array of more texts than any file has", { metadata: [["a", "array", { of: "text", items: ["x"], count: 2n ** 61n }]] });
gguf("array-five-deep", "GGUF_LIMIT", "arrays within arrays", { metadata: [["a", "array", nest(5)]] });
gguf("alignment-text", "GGUF_METADATA_INVALID", "an alignment that is a text", { metadata: [["general.alignment", "text", "32"]] });
for (const [name, alignment] of [["0", 0], ["48", 48], ["2-31", 2 ** 31]]) {
  gguf(`alignment-${name}`, "GGUF_ALIGNMENT", `an alignment of ${alignment}`, { metadata: [["general.alignment", "u32", alignment]], tensors: [f32("a")] });
}
gguf("alignment-fraction", "GGUF_ALIGNMENT", "an alignment of a half", { metadata: [["general.alignment", "f32", 0.5]], tensors: [f32("a")] });
gguf("name-twice", "GGUF_DUPLICATE_KEY", "two tensors of one name", { tensors: [f32("a"), f32("a")] });
gguf("name-nul", "GGUF_TENSOR_INVALID", "a name that programs in C would cut", { tensors: [f32("a\0b")] });
gguf("name-not-utf8", "GGUF_METADATA_INVALID", "the name of a tensor that is no UTF-8", { tensors: [{ ...f32(""), name: latin1("\xe2\x82") }] });
gguf("five-dimensions", "GGUF_TENSOR_INVALID", "more dimensions than ggml has", { tensors: [f32("a", [1, 1, 1, 1, 1])] });
gguf("dimensions-2-32", "GGUF_TENSOR_INVALID", "more dimensions than there is file", joined(ggufFile({ count: 1 }), u64(1), latin1("a"), u32(2 ** 32 - 1), zeros(64)));
gguf("product-overflows", "GGUF_TENSOR_INVALID", "dimensions whose product is 0 in 64 bits", { tensors: [{ ...f32("a"), shape: [2n ** 32n, 2n ** 32n] }] });
gguf("dimension-2-63", "GGUF_TENSOR_INVALID", "a dimension that is negative for some", { tensors: [{ ...f32("a"), shape: [2n ** 63n] }] });
gguf("dimension-2-63-by-0", "GGUF_TENSOR_INVALID", "the same in a tensor without elements", { tensors: [{ ...f32("a"), shape: [0, 2n ** 63n] }] });
gguf("blocks-misfit", "GGUF_BLOCK_MISFIT", "rows of 33 in blocks of 32", { tensors: [{ ...q8("a"), shape: [32, 33] }] });
gguf("blocks-misfit-scalar", "GGUF_BLOCK_MISFIT", "a block for a tensor of no dimensions", { tensors: [{ ...q8("a"), shape: [] }] });
gguf("offset-2-63", "GGUF_TENSOR_INVALID", "an offset that is negative for some", { tensors: [f32("a", [4], { offset: 2n ** 63n })] });
gguf("offset-unaligned", "GGUF_ALIGNMENT", "an offset of 4", { tensors: [f32("a", [4], { offset: 4 })] });
gguf("overlap", "GGUF_OVERLAP", "two tensors at one offset", { tensors: [f32("a"), f32("b", [4], { offset: 0 })] });
gguf("hole", "GGUF_HOLE", "a block of bytes between two tensors", { tensors: [f32("a"), f32("b", [4], { offset: 64 })], end: zeros(32) });
gguf("hole-first", "GGUF_HOLE", "a block of bytes before the first tensor", { tensors: [f32("a", [4], { offset: 32 })], end: zeros(32) });
gguf("trailing", "GGUF_HOLE", "bytes behind the last tensor", { tensors: [f32("a")], end: zeros(32) });
gguf("data-cut", "GGUF_TRUNCATED", "the last tensor is cut off", ggufFile({ tensors: [f32("a", [64])] }).subarray(0, -1));
gguf("offset-behind-the-end", "GGUF_HOLE", "a tensor behind the end of the file", { tensors: [f32("a", [4], { offset: 2 ** 40 })] });

// ---- shard indexes
function index(name, expect, why, text) {
  add("index", `index/${name}.json`, expect, why, text);
}
const map = (body) => `{"metadata":{"total_size":8},"weight_map":${body}}`;
index("ok", "ok", "two shards", map('{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}'));
index("ok-subdirectory", "ok", "shards below the index", map('{"a":"shards/model-1.safetensors"}'));
index("ok-odd-metadata", "ok", "metadata of any kind are passed over", '{"metadata":[1,{"x":[]}],"weight_map":{"a":"m.safetensors"},"other":[{}]}');
index("ok-float-size", "ok", "a total_size that is a float, as some tools write it", '{"metadata":{"total_size":8.0,"other":{"a":1}},"weight_map":{"a":"m.safetensors"}}');
index("ok-proto", "ok", "a tensor called __proto__", map('{"__proto__":"m.safetensors"}'));
index("empty", "INDEX_INVALID", "no bytes", "");
index("not-json", "INDEX_INVALID", "not JSON", "<html>");
index("array", "INDEX_INVALID", "an array", "[]");
index("number", "INDEX_INVALID", "a number", "1");
index("no-map", "INDEX_INVALID", "no weight_map", '{"metadata":{}}');
index("empty-map", "INDEX_INVALID", "an empty weight_map", map("{}"));
index("map-array", "INDEX_INVALID", "weight_map is an array", map("[]"));
index("map-string", "INDEX_INVALID", "weight_map is a string", map('"x"'));
index("map-to-number", "INDEX_INVALID", "a tensor maps to a number", map('{"a":1}'));
index("map-to-list", "INDEX_INVALID", "a tensor maps to a list", map('{"a":["m.safetensors"]}'));
index("map-to-object", "INDEX_INVALID", "a tensor maps to an object", map('{"a":{}}'));
index("trailing", "INDEX_INVALID", "a second value", `${map('{"a":"m.safetensors"}')}{}`);
index("lone-surrogate", "INDEX_INVALID", "half of a surrogate pair", map('{"\\ud800":"m.safetensors"}'));
index("deep", "INDEX_INVALID", "nested too deep", `{"x":${"[".repeat(65)}${"]".repeat(65)}}`);
index("duplicate-tensor", "INDEX_DUPLICATE_KEY", "a tensor in two shards", map('{"a":"1.safetensors","a":"2.safetensors"}'));
index("duplicate-map", "INDEX_DUPLICATE_KEY", "weight_map twice", '{"weight_map":{"a":"m.safetensors"},"weight_map":{}}');
index("duplicate-size", "INDEX_DUPLICATE_KEY", "total_size twice", '{"metadata":{"total_size":1,"total_size":2},"weight_map":{"a":"m.safetensors"}}');
index("not-safetensors", "UNSUPPORTED_CONTAINER", "a shard in another container", map('{"a":"pytorch_model-00001-of-00002.bin"}'));
for (const [name, shard] of [
  ["parent", "../m.safetensors"], ["parent-inside", "a/../../m.safetensors"], ["dot", "./m.safetensors"], ["absolute", "/etc/m.safetensors"],
  ["drive", "C:\\m.safetensors"], ["drive-slash", "C:/m.safetensors"], ["unc", "\\\\host\\share\\m.safetensors"], ["backslash", "a\\..\\m.safetensors"],
  ["percent", "%2e%2e/m.safetensors"], ["percent-twice", "%252e%252e/m.safetensors"], ["url", "https://example.org/m.safetensors"], ["file-url", "file:///m.safetensors"],
  ["newline", "m\n.safetensors"], ["nul", "m.safetensors\0"], ["escape", "\u001b[2Jm.safetensors"], ["rtl-override", "m\u202e.safetensors"],
  ["empty-name", ""], ["double-slash", "a//m.safetensors"], ["double-slash-first", "//host/m.safetensors"], ["stream", "m.safetensors:x.safetensors"], ["line-separator", "m\u2028.safetensors"],
]) {
  index(`path-${name}`, "SHARD_PATH_REFUSED", `a shard called ${JSON.stringify(shard)}`, map(`{"a":${JSON.stringify(shard)}}`));
}

// ---- files of PyTorch and NumPy
for (const [name, expect, why, bytes] of ARRAY_VECTORS) add("arrays", `arrays/${name}`, expect, why, bytes);

// ---- models of ONNX
for (const [name, expect, why, bytes] of ONNX_VECTORS) add("arrays", `onnx/${name}`, expect, why, bytes);

// ---- archives that models lie in, and models of CTranslate2
for (const [name, expect, why, bytes] of ARCHIVE_VECTORS) add("archive", `archives/${name}`, expect, why, bytes);
for (const [name, expect, why, bytes] of CT2_VECTORS) add("arrays", `ctranslate2/${name}`, expect, why, bytes);

writeFileSync(join(here, "manifest.json"), `[\n${manifest.map((item) => `  ${JSON.stringify(item)}`).join(",\n")}\n]\n`);
console.log(`${manifest.length} files`);
