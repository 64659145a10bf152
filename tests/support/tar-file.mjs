/** Archives of tar, and models of CTranslate2, out of plain values, sound ones and others: for tests, vectors and fuzzing. */

const BLOCK = 512;

function field(bytes, at, width, value) {
  const text = typeof value === "number" ? `${value.toString(8).padStart(width - 1, "0")}\0` : value;
  Buffer.from(text, "latin1").copy(bytes, at, 0, width);
}

/** The header of a member; `sum` writes over its checksum. */
export function tarHeader({ name, size = 0, type = "0", magic = "ustar\0" + "00", prefix = "", sum, sizeField }) {
  const header = Buffer.alloc(BLOCK);
  Buffer.from(name).copy(header, 0, 0, 100);
  field(header, 100, 8, 0o644);
  field(header, 108, 8, 0);
  field(header, 116, 8, 0);
  if (sizeField === undefined) field(header, 124, 12, size);
  else Buffer.from(sizeField).copy(header, 124, 0, 12);
  field(header, 136, 12, 0);
  field(header, 156, 1, type);
  field(header, 257, 8, magic);
  Buffer.from(prefix).copy(header, 345, 0, 155);
  header.fill(0x20, 148, 156);
  field(header, 148, 8, `${(sum ?? header.reduce((a, b) => a + b, 0)).toString(8).padStart(6, "0")}\0 `);
  return header;
}

function padded(data) {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
}

/** A record of pax with its own length in front. */
export function paxRecord(key, value) {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** An archive; `extra` of a member are headers and bytes before it, `fill` what stands behind the end. */
export function tarOf(members, { end = Buffer.alloc(2 * BLOCK), fill = Buffer.alloc(0) } = {}) {
  const blocks = members.flatMap(({ data = Buffer.alloc(0), extra = [], ...header }) => [
    ...extra.flatMap((one) => [tarHeader({ name: "extra", size: one.data.length, ...one }), padded(one.data)]),
    tarHeader({ size: data.length, ...header }),
    padded(data),
  ]);
  return Buffer.concat([...blocks, end, fill]);
}

function u16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function text(value) {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(`${value}\0`);
  return Buffer.concat([u16(bytes.length), bytes]);
}

const WIDTHS = [4, 1, 2, 4, 2, 2];

/** A model of CTranslate2; a variable is {name, shape, type, data, bytes}. */
export function ct2Of({
  version = 6,
  spec = "TransformerSpec",
  variables = [],
  aliases = [],
  count,
  aliasCount,
  after,
}) {
  const parts = [u32(version), text(spec), u32(1), u32(count ?? variables.length)];
  for (const { name, shape = [], type = 0, rank, data, bytes, said } of variables) {
    const size = shape.reduce((a, b) => a * b, 1) * (WIDTHS[type] ?? 1);
    const content = data ?? Buffer.alloc(bytes ?? size);
    const old =
      version < 4 ? [Buffer.from([WIDTHS[type] ?? type]), u32(said ?? content.length / (WIDTHS[type] ?? 1))] : null;
    parts.push(text(name), Buffer.from([rank ?? shape.length]), ...shape.map(u32));
    parts.push(...(old ?? [Buffer.from([type]), u32(said ?? content.length)]), content);
  }
  if (version >= 3)
    parts.push(u32(aliasCount ?? aliases.length), ...aliases.flatMap(([alias, name]) => [text(alias), text(name)]));
  return Buffer.concat([...parts, after ?? Buffer.alloc(0)]);
}
