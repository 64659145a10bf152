import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { openArchive } from "../../../dist/src/checkpoint/archive/archive.js";
import { archiveKindOf } from "../../../dist/src/checkpoint/archive/archive-kind.js";
import { insideModels } from "../../../dist/src/checkpoint/archive/inside-models.js";
import { FREE_BYTES } from "../../../dist/src/formats/archive/limits.js";
import { paxRecord, tarOf } from "../../../tests/support/tar-file.mjs";
import { zipOf } from "../../../tests/support/torch-file.mjs";
import { changedBytes } from "../bytes.mjs";
import { must } from "../invariant.mjs";

const NAMES = [
  "m/model.safetensors",
  "model.bin",
  "../a.gguf",
  "__proto__/w.npz",
  "a.part1",
  "a.part2",
  "./a",
  "d/",
  "é.pt",
  "a.onnx",
];
const TYPES = ["0", "0", "0", "\0", "1", "2", "5", "S", "x", "g", "L", "K", "V"];

function member(random) {
  const data = random.bytes(random.pick([0, 8, 100, 511, 512, 2000]));
  const extra = random.chance(0.7)
    ? []
    : [
        random.chance(0.5)
          ? { type: "L", data: Buffer.from(`${random.pick(NAMES)}\0`) }
          : {
              type: random.pick(["x", "g"]),
              data: paxRecord(
                random.pick(["path", "size", "mtime", "GNU.sparse.map"]),
                random.pick([...NAMES, "4", "-1", "9".repeat(20)]),
              ),
            },
      ];
  return { name: random.pick(NAMES), data, extra, type: random.pick(TYPES) };
}

function zipped(random, { name, data }) {
  if (random.chance(0.4)) return { name, data };
  const size = random.chance(0.8) ? data.length : random.pick([0, 1, 2 ** 31, data.length + 1]);
  const crc = random.chance(0.9) ? crc32(data) : 7;
  const packed = deflateRawSync(data);
  return { name, data: packed, method: 8, size, localSize: size, localPacked: packed.length, crc, localCrc: crc };
}

function file(random) {
  const members = Array.from({ length: random.below(5) }, () => member(random));
  if (random.chance(0.4)) return zipOf(members.map((one) => zipped(random, one)));
  const tar = tarOf(members, random.chance(0.9) ? {} : { fill: random.bytes(512) });
  return random.chance(0.3) ? gzipSync(tar) : tar;
}

/** Archives that models lie in: what is listed lies within, unpacks to what is listed, and to no more than is allowed. */
export const target = {
  name: "archive",
  extension: "bin",
  make(random) {
    const whole = file(random);
    return random.chance(0.5) ? whole : changedBytes(random, whole, file(random));
  },
  async check(bytes) {
    const source = memorySource(bytes, "a");
    const kind = await archiveKindOf(source, "a");
    if (kind === null) return;
    const archive = await openArchive(source, kind, "a", { reopen: async () => source, budget: undefined });
    try {
      const known = new Set(archive.members.keys());
      for (const { name, files } of await insideModels(archive)) {
        must(name.length > 0, "a model has no name");
        for (const one of files) must(known.has(one), "a model is made of files that are not there");
      }
      let refused = null;
      for (const one of archive.members.values()) {
        try {
          const opened = await one.open();
          must(opened.size === one.size, "a member has another size than is listed");
          must(opened.size <= FREE_BYTES, "a few kilobytes unpack to megabytes");
          must((await opened.read(0, opened.size)).length === opened.size, "a member cannot be read");
        } catch (error) {
          if (error.name !== "WeightmarkError") throw error;
          refused = error;
        }
      }
      if (refused !== null) throw refused;
    } finally {
      await archive.close();
    }
  },
};
