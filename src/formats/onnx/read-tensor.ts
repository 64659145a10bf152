import { MAX_RANK } from "../safetensors/limits.ts";
import { ELEMENT_TYPES, type ElementType } from "./element-type.ts";
import { MAX_EXPANDED_BYTES } from "./limits.ts";
import { expanded, type NumberList } from "./number-list.ts";
import type { InFile, OnnxTensor, Place } from "./onnx-model.ts";
import type { Field, WireCursor } from "./wire-cursor.ts";

/** What of a TensorProto was found, before it is held against itself. */
interface Parts {
  name: string | null;
  code: number;
  shape: number[];
  raw: InFile | null;
  list: NumberList | null;
  isExternal: boolean;
  readonly external: Map<string, string>;
}

/** Numbers of the fields of TensorProto (onnx.proto). */
const DIMS = 1;
const DATA_TYPE = 2;
const SEGMENT = 3;
const NAME = 8;
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
/** Lists of numbers, and the wire type of theirs. */
const LISTS: ReadonlyMap<number, number> = new Map([
  [4, 5],
  [5, 0],
  [7, 0],
  [10, 1],
  [11, 0],
]);

const DECIMAL = /^\d{1,16}$/;

/** Bytes that were made room for, over all tensors of a model. */
export interface Expanded {
  bytes: number;
}

/**
 * Reads the TensorProto at [start, end) without its values, but for those that are written number by number.
 *
 * @param given its name where it is not its own
 * @throws ONNX_MALFORMED, ONNX_LIMIT, ONNX_SIZE_WRONG, ONNX_TENSOR_UNSUPPORTED
 */
export async function readTensor(
  cursor: WireCursor,
  start: number,
  end: number,
  room: Expanded,
  given: string | null = null,
): Promise<OnnxTensor> {
  const parts: Parts = {
    name: given,
    code: 0,
    shape: [],
    raw: null,
    list: null,
    isExternal: false,
    external: new Map(),
  };
  await cursor.each(start, end, (field) => addField(cursor, parts, field, given !== null));
  const { name, code, shape } = parts;
  if (name === null || name === "") throw cursor.refusal("ONNX_MALFORMED", `the tensor at byte ${start} has no name`);
  const type = ELEMENT_TYPES.get(code) ?? null;
  const elements = shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1);
  const size = Math.ceil((elements * (type?.bits ?? 0)) / 8);
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(elements * 64)) {
    throw cursor.refusal("ONNX_SIZE_WRONG", "the tensor is larger than any file", name);
  }
  const about = { name, type, shape, elements, size };
  if (type === null) return { ...about, place: { start: end, end } };
  return { ...about, place: await placeOf(cursor, parts, { name, type, size, elements }, room) };
}

function addField(cursor: WireCursor, parts: Parts, field: Field, isNamed: boolean): void | Promise<void> {
  const { number, wire, value, start, end } = field;
  switch (number) {
    case DIMS:
      return cursor.numbers(field, MAX_RANK, (size) => {
        if (!(size >= 0)) throw cursor.refusal("ONNX_MALFORMED", `a tensor of size ${size}`);
        if (parts.shape.push(size) > MAX_RANK) throw cursor.refusal("ONNX_LIMIT", `more than ${MAX_RANK} dimensions`);
      });
    case DATA_TYPE:
      if (wire !== 0) throw cursor.wrongType(field);
      parts.code = value;
      return;
    case SEGMENT:
      throw cursor.refusal("ONNX_TENSOR_UNSUPPORTED", "a tensor that is one segment of a larger one");
    case NAME:
      if (isNamed) return;
      return cursor.text(field, (text) => {
        if (parts.name !== null) throw cursor.refusal("ONNX_MALFORMED", "a tensor has two names", text);
        parts.name = text;
      });
    case RAW_DATA:
      if (wire !== 2) throw cursor.wrongType(field);
      if (parts.raw !== null) throw cursor.refusal("ONNX_MALFORMED", "a tensor has its bytes twice");
      parts.raw = { start, end };
      return;
    case EXTERNAL_DATA:
      if (wire !== 2) throw cursor.wrongType(field);
      return addExternal(cursor, parts.external, start, end);
    case DATA_LOCATION:
      if (wire !== 0) throw cursor.wrongType(field);
      parts.isExternal = value === 1;
      return;
    default:
      if (LISTS.has(number)) parts.list = withNumbers(cursor, parts.list, field);
  }
}

/** A list with one more field of it. */
function withNumbers(cursor: WireCursor, list: NumberList | null, field: Field): NumberList | null {
  const { number, wire, at, start, end } = field;
  const own = LISTS.get(number)!;
  if (wire === 2 && start === end) return list;
  if (wire === 2 && list === null) return { field: number, wire: own, packed: true, start, end };
  if (wire === own && list === null) return { field: number, wire: own, packed: false, start: at, end };
  if (wire === own && list?.field === number && !list.packed && list.end === at) return { ...list, end };
  if (wire !== 2 && wire !== own) throw cursor.wrongType(field);
  throw cursor.refusal("ONNX_TENSOR_UNSUPPORTED", "the values of a tensor are in several places");
}

/** One pair of what is said of a tensor in another file; none of the keys that matter comes twice. */
async function addExternal(cursor: WireCursor, to: Map<string, string>, start: number, end: number): Promise<void> {
  let key = "";
  let value = "";
  await cursor.each(start, end, (field) => {
    if (field.number === 1)
      return cursor.text(field, (text) => {
        key = text;
      });
    if (field.number === 2)
      return cursor.text(field, (text) => {
        value = text;
      });
  });
  if (key !== "location" && key !== "offset" && key !== "length") return;
  if (to.has(key)) throw cursor.refusal("ONNX_MALFORMED", `a tensor has its ${key} twice`);
  to.set(key, value);
}

interface About {
  readonly name: string;
  readonly type: ElementType;
  readonly size: number;
  readonly elements: number;
}

async function placeOf(cursor: WireCursor, parts: Parts, about: About, room: Expanded): Promise<Place> {
  const { raw, list, isExternal, external } = parts;
  const { name, type, size, elements } = about;
  const wrong = (found: number) =>
    cursor.refusal("ONNX_SIZE_WRONG", `${found} bytes where the shape asks for ${size}`, name);
  const ways = [raw !== null, list !== null, isExternal].filter(Boolean).length;
  if (ways > 1) throw cursor.refusal("ONNX_MALFORMED", "the values are written in two ways", name);
  if (isExternal) {
    const { location, offset, length } = externalOf(cursor, external, name);
    if (length !== null && length !== size) throw wrong(length);
    return { location, offset };
  }
  if (raw !== null) {
    if (raw.end - raw.start !== size) throw wrong(raw.end - raw.start);
    return raw;
  }
  if (list === null) {
    if (elements > 0) throw wrong(0);
    return { bytes: new Uint8Array(0) };
  }
  if (list.field !== type.field) {
    throw cursor.refusal("ONNX_MALFORMED", `values of ${type.name} are not in field ${list.field}`, name);
  }
  // Numbers of a fixed length stand in the file as they do elsewhere.
  if (list.packed && list.wire !== 0) {
    if (list.end - list.start !== size) throw wrong(list.end - list.start);
    return { start: list.start, end: list.end };
  }
  room.bytes += size;
  if (room.bytes > MAX_EXPANDED_BYTES) {
    throw cursor.refusal("ONNX_LIMIT", `values of more than ${MAX_EXPANDED_BYTES} bytes number by number`, name);
  }
  // Of complex numbers each has two; of less than a byte, a number holds as many as go into one.
  const width = Math.min(size, list.wire === 5 ? 4 : Math.ceil(type.bits / 8));
  return { bytes: await expanded(cursor, list, { count: width === 0 ? 0 : size / width, width, tensor: name }) };
}

function externalOf(
  cursor: WireCursor,
  external: ReadonlyMap<string, string>,
  name: string,
): { readonly location: string; readonly offset: number; readonly length: number | null } {
  const location = external.get("location");
  const [offset, length] = ["offset", "length"].map((key) => {
    const text = external.get(key);
    if (text === undefined) return null;
    const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw cursor.refusal("ONNX_MALFORMED", `its ${key} is no number`, name);
    return value;
  });
  if (location === undefined) throw cursor.refusal("ONNX_MALFORMED", "the file that it lies in is not named", name);
  return { location, offset: offset ?? 0, length: length ?? null };
}
