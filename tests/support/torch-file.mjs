/**
 * Files of PyTorch and NumPy out of plain values, sound ones and others: for tests, for the corpus of vectors and for fuzzing.
 * Values of a pickle: null, booleans, numbers, bigints, texts, bytes, arrays (lists), maps (dicts), and what is made below.
 */

/** @param {number[]} codes */
const op = (...codes) => Buffer.from(codes);
const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const join = (...parts) => Buffer.concat(parts);

/** A value whose instructions are given. */
export const raw = (...parts) => ({
  raw: join(...parts.map((part) => (typeof part === "number" ? op(part) : Buffer.from(part, "latin1")))),
});
export const tuple = (...items) => ({ tuple: items });
export const global = (module, name) => ({ module, name });
export const call = (made, args, state) => ({ made, args, state });
export const outside = (id) => ({ outside: id });

function whole(value) {
  const small = typeof value === "number" && value >= -(2 ** 31) && value < 2 ** 31;
  if (small) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return value >= 0 && value < 256 ? op(0x4b, value) : join(op(0x4a), bytes);
  }
  let hex = BigInt.asUintN(128, BigInt(value)).toString(16).padStart(32, "0");
  // As few bytes as hold the sign.
  while (hex.length > 2 && ((hex.startsWith("00") && hex[2] < "8") || (hex.startsWith("ff") && hex[2] >= "8")))
    hex = hex.slice(2);
  const bytes = Buffer.from(hex, "hex").reverse();
  return join(op(0x8a, bytes.length), bytes);
}

function real(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return join(op(0x47), bytes);
}

/** The instructions that make a value. */
export function encoded(value) {
  if (value === null) return op(0x4e);
  if (typeof value === "boolean") return op(value ? 0x88 : 0x89);
  if (typeof value === "bigint") return whole(value);
  if (typeof value === "number") return Number.isInteger(value) ? whole(value) : real(value);
  if (typeof value === "string") return join(op(0x58), u32(Buffer.byteLength(value)), Buffer.from(value));
  if (value instanceof Uint8Array) return join(op(0x42), u32(value.length), value);
  if (Array.isArray(value)) return join(op(0x5d), op(0x28), ...value.map(encoded), op(0x65));
  if (value instanceof Map) return join(op(0x7d), op(0x28), ...[...value].flat().map(encoded), op(0x75));
  if (value.raw !== undefined) return value.raw;
  if (value.tuple !== undefined) return join(op(0x28), ...value.tuple.map(encoded), op(0x74));
  if (value.module !== undefined) return join(op(0x63), Buffer.from(`${value.module}\n${value.name}\n`));
  if (value.outside !== undefined) return join(encoded(value.outside), op(0x51));
  const made = join(encoded(value.made), encoded(value.args), op(0x52));
  return value.state === undefined ? made : join(made, encoded(value.state), op(0x62));
}

/** A whole pickle. */
export function pickled(value, protocol = 2) {
  return join(op(0x80, protocol), encoded(value), op(0x2e));
}

/** A reference to a storage: `elements` of a type such as "Float" under a key. */
export function storage(key, elements, type = "Float", view) {
  const id = ["storage", global("torch", `${type}Storage`), key, "cpu", elements];
  return outside(tuple(...id, ...(view === undefined ? [] : [view])));
}

/** Strides of elements that lie in order. */
export function stridesOf(shape) {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

/** A tensor as torch.save writes it. */
export function tensor(of, shape, { offset = 0, strides = stridesOf(shape), tail = [] } = {}) {
  const hooks = call(global("collections", "OrderedDict"), tuple());
  return call(
    global("torch._utils", "_rebuild_tensor_v2"),
    tuple(of, offset, tuple(...shape), tuple(...strides), false, hooks, ...tail),
  );
}

/** Bytes of F32 values. */
export function floats(values, bigEndian = false) {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries())
    bigEndian ? bytes.writeFloatBE(value, 4 * i) : bytes.writeFloatLE(value, 4 * i);
  return bytes;
}

/**
 * A zip archive of members that are stored. What a member or the archive says of itself may be told otherwise by the fields that
 * follow a member's `name` and `data`.
 */
export function zipOf(
  members,
  { before = Buffer.alloc(0), after = Buffer.alloc(0), large = false, count = members.length } = {},
) {
  const parts = [before];
  const entries = [];
  let at = before.length;
  for (const member of members) {
    const { name, data = Buffer.alloc(0), method = 0, flags = 0, descriptor = 0, extra = Buffer.alloc(0) } = member;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(member.localMethod ?? method, 8);
    const sized = descriptor === 0 ? data.length : 0;
    local.writeUInt32LE(member.localCrc ?? 0, 14);
    local.writeUInt32LE(member.localPacked ?? member.localSize ?? sized, 18);
    local.writeUInt32LE(member.localSize ?? sized, 22);
    const localName = Buffer.from(member.localName ?? name);
    local.writeUInt16LE(localName.length, 26);
    local.writeUInt16LE(extra.length, 28);
    const entry = Buffer.alloc(46);
    const large = member.large === true;
    const place = member.at ?? at;
    const listed = large
      ? join(Buffer.from([1, 0, 24, 0]), u64(member.size ?? data.length), u64(data.length), u64(place))
      : (member.listedExtra ?? Buffer.alloc(0));
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(member.crc ?? 0, 16);
    entry.writeUInt32LE(large ? 0xffffffff : (member.packed ?? data.length), 20);
    entry.writeUInt32LE(large ? 0xffffffff : (member.size ?? data.length), 24);
    const bytes = Buffer.from(name, typeof name === "string" ? "utf8" : undefined);
    entry.writeUInt16LE(bytes.length, 28);
    entry.writeUInt16LE(listed.length, 30);
    entry.writeUInt16LE(member.disk ?? 0, 34);
    entry.writeUInt32LE(large ? 0xffffffff : place, 42);
    entries.push(join(entry, bytes, listed));
    const whole = join(local, localName, extra, data, Buffer.alloc(descriptor), member.gap ?? Buffer.alloc(0));
    parts.push(whole);
    at += whole.length;
  }
  const directory = join(...entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(large ? 0xffff : count, 8);
  end.writeUInt16LE(large ? 0xffff : count, 10);
  end.writeUInt32LE(large ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(large ? 0xffffffff : at, 16);
  end.writeUInt16LE(after.length, 20);
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(directory.length), 40);
  record.writeBigUInt64LE(BigInt(at), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(at + directory.length), 8);
  locator.writeUInt32LE(1, 16);
  return join(...parts, directory, ...(large ? [record, locator] : []), end, after);
}

/** What torch.save writes since PyTorch 1.6: a pickle and storages by their keys. */
export function torchZip(
  value,
  storages = {},
  { order = "little", root = "archive", members = [], pickle = pickled(value), ...zip } = {},
) {
  return zipOf(
    [
      { name: `${root}/data.pkl`, data: pickle },
      ...(order === null ? [] : [{ name: `${root}/byteorder`, data: Buffer.from(order) }]),
      ...Object.entries(storages).map(([key, data]) => ({ name: `${root}/data/${key}`, data: Buffer.from(data) })),
      { name: `${root}/version`, data: Buffer.from("3\n") },
      ...members,
    ],
    zip,
  );
}

export const MAGIC = 0x1950a86a20f9469cfc6cn;

/** What torch.save wrote before: pickles, then each storage behind its count of elements. */
export function torchLegacy(
  value,
  storages = {},
  { magic = MAGIC, version = 1001, width = 4, keys = Object.keys(storages), protocol = 2, tail = "" } = {},
) {
  const pickles = [magic, version, new Map([["little_endian", true]]), value, keys].map((one) =>
    pickled(one, protocol),
  );
  const data = Object.values(storages).map((bytes) => join(u64(bytes.length / width), Buffer.from(bytes)));
  return join(...pickles, ...data, Buffer.from(tail));
}

/** An array as numpy.save writes it. */
export function npy(descr, shape, data, { fortran = false, version = 1, header } = {}) {
  const list = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = header ?? `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${list}, }`;
  const padded = `${text}\n`;
  const length = version === 1 ? op(padded.length & 255, padded.length >> 8) : u32(padded.length);
  return join(Buffer.from("\x93NUMPY", "latin1"), op(version, 0), length, Buffer.from(padded, "latin1"), data);
}
