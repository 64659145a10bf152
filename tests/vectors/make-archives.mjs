/** Archives that models lie in, and models of CTranslate2, bad and odd ones, for the corpus. */
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { ct2Of, paxRecord, tarOf } from "../support/tar-file.mjs";
import { zipOf } from "../support/torch-file.mjs";

const header = Buffer.from('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}');
const length = Buffer.alloc(8);
length.writeUInt32LE(header.length);
const model = Buffer.concat([length, header, Buffer.alloc(8)]);
const deflated = (name, data, more = {}) => {
  const crc = crc32(data);
  const packed = more.data ?? deflateRawSync(data);
  return { name, data: packed, method: 8, size: data.length, localSize: data.length, localPacked: packed.length, crc, localCrc: crc, ...more };
};
const one = (more = {}) => tarOf([{ name: "m/model.safetensors", data: model, ...more }]);
const pax = (...records) => [{ type: "x", data: Buffer.concat(records) }];
const lie = (size) => ({ size, localSize: size });

/** @type {readonly (readonly [name: string, expect: string, why: string, bytes: Uint8Array])[]} */
export const ARCHIVE_VECTORS = [
  ["stored.zip", "ok", "a model that is stored", zipOf([{ name: "m/model.safetensors", data: model }])],
  ["deflated.whl", "ok", "a model that is deflated", zipOf([deflated("m/model.safetensors", model)])],
  ["slip.zip", "ok", "a name that leads out: no more than a name", zipOf([{ name: "../../m/model.safetensors", data: model }])],
  ["proto.zip", "ok", "__proto__ is a folder like any other", zipOf([{ name: "__proto__/model.safetensors", data: model }])],
  ["ratio.zip", "ARCHIVE_LIMIT", "a few bytes that are said to be gigabytes", zipOf([deflated("model.safetensors", model, lie(4_000_000_000))])],
  ["longer.zip", "ZIP_MALFORMED", "more bytes than are listed", zipOf([deflated("model.safetensors", model, lie(10))])],
  ["shorter.zip", "ZIP_MALFORMED", "fewer bytes than are listed", zipOf([deflated("model.safetensors", model, lie(1000))])],
  ["checksum.zip", "ZIP_MALFORMED", "another checksum than is listed", zipOf([deflated("model.safetensors", model, { crc: 1, localCrc: 1 })])],
  ["damaged.zip", "GZIP_MALFORMED", "deflated bytes that are none", zipOf([deflated("model.safetensors", model, { data: Buffer.alloc(40, 0xff) })])],
  ["encrypted.zip", "ZIP_MEMBER_UNSUPPORTED", "an encrypted model", zipOf([deflated("model.safetensors", model, { flags: 1 })])],
  ["zstd.zip", "ZIP_MEMBER_UNSUPPORTED", "a model that is compressed by zstd", zipOf([deflated("model.safetensors", model, { method: 93 })])],
  ["nested.zip", "NO_WEIGHTS", "an archive in an archive", zipOf([{ name: "b.zip", data: zipOf([{ name: "model.safetensors", data: model }]) }])],
  ["plain.tar", "ok", "a model in a tar", one()],
  ["slip.tar", "ok", "a name that leads out: no more than a name", one({ name: "/etc/../../m/model.safetensors" })],
  ["pax.tar", "ok", "a name that pax gives", one({ name: "x", extra: pax(paxRecord("path", "m/model.safetensors")) })],
  ["gnu.tar", "ok", "a name that GNU gives", one({ name: "x", magic: "ustar  \0", extra: [{ type: "L", data: Buffer.from("m/model.safetensors\0") }] })],
  ["symlink.tar", "TAR_UNSUPPORTED", "a symbolic link in the place of the model", tarOf([{ name: "model.safetensors", type: "2" }])],
  ["hardlink.tar", "TAR_UNSUPPORTED", "a hard link in the place of the model", tarOf([{ name: "model.safetensors", type: "1" }])],
  ["device.tar", "TAR_UNSUPPORTED", "a device in the place of the model", tarOf([{ name: "model.safetensors", type: "3" }])],
  ["sparse-old.tar", "TAR_UNSUPPORTED", "a sparse file of GNU", one({ type: "S" })],
  ["sparse-pax.tar", "TAR_UNSUPPORTED", "a sparse file of pax", one({ extra: pax(paxRecord("GNU.sparse.major", "1")) })],
  ["twice.tar", "TAR_MALFORMED", "two files of one name", tarOf([{ name: "model.safetensors", data: model }, { name: "./model.safetensors", data: model }])],
  ["behind.tar", "TAR_MALFORMED", "another archive behind the end", tarOf([{ name: "model.safetensors", data: model }], { fill: one() })],
  ["cut.tar", "TAR_MALFORMED", "no end", tarOf([{ name: "model.safetensors", data: model }], { end: Buffer.alloc(0) })],
  ["checksum.tar", "TAR_MALFORMED", "a header with another checksum", tarOf([{ name: "a", data: model }, { name: "model.safetensors", sum: 1 }])],
  ["beyond.tar", "TAR_MALFORMED", "a size beyond the archive", tarOf([{ name: "model.safetensors", sizeField: "77777777777\0" }])],
  ["negative.tar", "TAR_MALFORMED", "a negative size of GNU", tarOf([{ name: "model.safetensors", sizeField: Buffer.alloc(12, 0xff) }])],
  ["global.tar", "TAR_MALFORMED", "a path for all members", one({ extra: [{ type: "g", data: paxRecord("path", "x") }] })],
  ["plain.tar.gz", "ok", "a model in a compressed tar", gzipSync(one())],
  ["alone.safetensors.gz", "ok", "a model that was compressed alone", gzipSync(model)],
  ["cut.tar.gz", "GZIP_MALFORMED", "half of a compressed tar", gzipSync(one()).subarray(0, 60)],
  ["behind.tar.gz", "GZIP_MALFORMED", "something behind what was compressed", Buffer.concat([gzipSync(one()), Buffer.from("more")])],
  ["bomb.tar.gz", "ARCHIVE_LIMIT", "a bomb", gzipSync(Buffer.alloc(65 << 20), { level: 9 })],
  ["two.zip", "ok", "two models: which is meant has to be said", zipOf([{ name: "a/model.safetensors", data: model }, { name: "b/model.safetensors", data: model }])],
];

const weight = { name: "encoder/layer_0/ffn/linear_0/weight", shape: [2, 3] };

/** @type {typeof ARCHIVE_VECTORS} */
export const CT2_VECTORS = [
  ["plain.bin", "ok", "a model of one weight", ct2Of({ variables: [weight] })],
  ["old.bin", "ok", "the oldest form that is read", ct2Of({ version: 2, variables: [weight] })],
  ["int8.bin", "ok", "a weight of 8 bits and its scales", ct2Of({ variables: [{ ...weight, type: 1 }, { name: `${weight.name}_scale`, shape: [2] }] })],
  ["alias.bin", "ok", "a weight of two names", ct2Of({ variables: [weight], aliases: [["decoder/projection/weight", weight.name]] })],
  ["proto.bin", "ok", "__proto__ is a name like any other", ct2Of({ variables: [{ ...weight, name: "__proto__" }] })],
  ["future.bin", "CT2_VERSION", "a version that is not known", ct2Of({ version: 9, variables: [weight] })],
  ["cut.bin", "CT2_MALFORMED", "half of a model", ct2Of({ variables: [weight] }).subarray(0, -20)],
  ["behind.bin", "CT2_MALFORMED", "something behind the end", ct2Of({ variables: [weight], after: Buffer.from("x") })],
  ["overflow.bin", "CT2_MALFORMED", "a shape whose product is beyond 2^53", ct2Of({ variables: [{ ...weight, shape: [4294967295, 4294967295, 3], bytes: 12 }] })],
  ["size.bin", "CT2_MALFORMED", "bytes that do not fit the shape", ct2Of({ variables: [{ ...weight, bytes: 20 }] })],
  ["rank.bin", "CT2_MALFORMED", "200 dimensions", ct2Of({ variables: [{ ...weight, rank: 200 }] })],
  ["type.bin", "CT2_MALFORMED", "a type that is not known", ct2Of({ variables: [{ ...weight, type: 77 }] })],
  ["twice.bin", "CT2_MALFORMED", "a name twice", ct2Of({ variables: [weight, weight] })],
  ["alias-of-nothing.bin", "CT2_MALFORMED", "an alias of nothing", ct2Of({ variables: [weight], aliases: [["a", "b"]] })],
  ["many.bin", "CT2_LIMIT", "four billion variables", ct2Of({ count: 4294967295 })],
];
