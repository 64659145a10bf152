/** What a record of pax says of the member behind it, as far as it matters here. */
export interface PaxFields {
  readonly path?: string | undefined;
  readonly size?: number | undefined;
  /** Whether only some of the member's bytes are stored. */
  readonly sparse: boolean;
}

/**
 * Reads records of pax, "LENGTH KEY=VALUE\n" one behind the other, of which the last of a key counts; null where they are none.
 *
 * @see IEEE Std 1003.1, pax extended header
 */
export function readPax(bytes: Uint8Array): PaxFields | null {
  const records = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let fields: PaxFields = { sparse: false };
  for (let at = 0; at < records.length; ) {
    const [head, digits] = /^([1-9]\d{0,8}) /.exec(records.toString("latin1", at, at + 10)) ?? [];
    const end = at + Number(digits);
    if (head === undefined || end > records.length || records[end - 1] !== 0x0a) return null;
    const equals = records.indexOf(0x3d, at + head.length);
    if (equals < 0 || equals >= end) return null;
    const next = withField(
      fields,
      records.toString("latin1", at + head.length, equals),
      records.subarray(equals + 1, end - 1),
    );
    if (next === null) return null;
    fields = next;
    at = end;
  }
  return fields;
}

/** Values that do not matter are not looked at: they may be of any kind. */
function withField(fields: PaxFields, key: string, value: Buffer): PaxFields | null {
  if (key.startsWith("GNU.sparse.")) return { ...fields, sparse: true };
  if (key === "size") {
    const size = /^\d{1,16}$/.test(value.toString("latin1")) ? Number(value.toString("latin1")) : Number.NaN;
    return Number.isSafeInteger(size) ? { ...fields, size } : null;
  }
  if (key !== "path") return fields;
  try {
    return { ...fields, path: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value) };
  } catch {
    return null;
  }
}
