import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { ERRORS } from "../../../dist/src/errors.js";
import { containerOf } from "../../../dist/src/formats/container-of.js";
import { recogniseForeignFile } from "../../../dist/src/formats/foreign-file.js";
import { readSafetensorsHeader } from "../../../dist/src/formats/safetensors/header.js";
import { changedBytes, joined, utf8 } from "../bytes.mjs";
import { must } from "../invariant.mjs";

/** What the first byte of an input calls the file. */
const NAMES = [
  "a.bin",
  "a.pt",
  "a.ckpt",
  "a.gguf",
  "a.h5",
  "a.onnx",
  "a.npz",
  "a.pdparams",
  "a.tar",
  "a.pkl",
  "a.zip",
  "",
  "../a\u202e.bin",
  "a",
];
const local = (name, body) => {
  const head = new Uint8Array(30);
  const view = new DataView(head.buffer);
  view.setUint32(0, 0x04034b50, true);
  view.setUint32(18, body.length, true);
  view.setUint32(22, body.length, true);
  view.setUint16(26, name.length, true);
  return joined(head, utf8(name), utf8(body));
};
const tar = (name) => {
  const block = new Uint8Array(1024);
  block.set(utf8(name));
  block.set(utf8("0000644\0"), 100);
  block.set(utf8("00000000010\0"), 124);
  block.set(utf8("ustar\0"), 257);
  return block;
};
const MAGIC = [
  utf8("GGUF\x03\0\0\0"),
  utf8("ggml"),
  utf8("\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"),
  Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0),
  Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 0x58, 4, 0, 0, 0, 0x61, 0x62, 0x63, 0x64),
  Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
  Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0),
  Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd),
  Uint8Array.of(
    8,
    7,
    0x12,
    7,
    0x70,
    0x79,
    0x74,
    0x6f,
    0x72,
    0x63,
    0x68,
    0x3a,
    4,
    0x2a,
    0,
    0x6a,
    0xff,
    0xff,
    0xff,
    0xff,
    0x7f,
  ),
  joined(local("archive/data.pkl", "\x80\x02."), local("archive/version", "3\n")),
  joined(local("../../x", "abc"), local("META-INF/", "")),
  tar("archive/data.pkl"),
  tar("../../etc/passwd"),
  joined(Uint8Array.of(0x1c, 0, 0, 0), utf8("TFL3"), new Uint8Array(24)),
  utf8("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
  utf8("<!DOCTYPE html><html>"),
  utf8('{"error":"Repository not found"}'),
  utf8("PK\x05\x06".padEnd(22, "\0")),
  new Uint8Array(300),
];

/** First bytes of what is no safetensors: it is always told what it is, by a code that is known, or that nobody can tell. */
export const target = {
  name: "foreign",
  extension: "bin",
  make(random) {
    const [one, other] = [random.pick(MAGIC), random.pick(MAGIC)];
    const content = random.chance(0.2)
      ? one
      : changedBytes(random, random.chance(0.5) ? one : joined(one, other), other);
    return joined(Uint8Array.of(random.below(NAMES.length)), content, random.bytes(random.small(40)));
  },
  async check(bytes) {
    const name = NAMES[(bytes[0] ?? 0) % NAMES.length];
    const content = bytes.slice(1);
    const companions = new Set(["config.json", "mindspore", "a.param", "a.index"]);
    for (const size of [content.length, content.length + 1, 2 ** 53 - 1]) {
      const found = recogniseForeignFile(content, { name, size, companions });
      must(found === null || Object.hasOwn(ERRORS, found.code), "a container without a code");
    }
    await containerOf(memorySource(content, name), name, companions);
    await readSafetensorsHeader(memorySource(content, name));
  },
};
