import type { ContainerKind } from "./containers.ts";

/** A field of a protobuf message. */
interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 as many bytes as it says, 5 four bytes. */
  readonly wire: number;
  /** Of a varint. */
  readonly value: number;
  /** Bytes of the content: [start, end). */
  readonly start: number;
  readonly end: number;
}

const WIRES: ReadonlySet<number> = new Set([0, 1, 2, 5]);

/** Fields that are looked at: messages that begin with more small ones are not told apart. */
const MAX_FIELDS = 200;

/** Bytes of a varint of ours at most. */
const MAX_VARINT_BYTES = 8;

/** A varint and where it ends; null when it is cut off or too large to be one of ours. */
function varint(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let at = start; at < Math.min(bytes.length, start + MAX_VARINT_BYTES); at++) {
    value += (bytes[at]! & 0x7f) * 2 ** (7 * (at - start));
    if (bytes[at]! < 0x80) return { value, end: at + 1 };
  }
  return null;
}

/**
 * Fields of the message at [start, end), as far as `bytes` go; null when it is no message. The last one may end beyond
 * `bytes`, and never beyond `end`.
 */
function fieldsOf(bytes: Uint8Array, start: number, end: number): Field[] | null {
  const fields: Field[] = [];
  for (let at = start; at < Math.min(end, bytes.length) && fields.length < MAX_FIELDS; ) {
    const tag = varint(bytes, at);
    if (tag === null) return isCutOff(bytes, at) ? fields : null;
    const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8];
    if (number === 0 || number > 10_000 || !WIRES.has(wire)) return null;
    const field = contentOf(bytes, number, wire, tag.end);
    if (field === null) return isCutOff(bytes, tag.end) ? fields : null;
    if (field.end > end) return null;
    fields.push(field);
    at = field.end;
  }
  return fields;
}

/** Whether what is no varint at `start` is one that goes on beyond `bytes`. */
function isCutOff(bytes: Uint8Array, start: number): boolean {
  return start + MAX_VARINT_BYTES > bytes.length;
}

function contentOf(bytes: Uint8Array, number: number, wire: number, start: number): Field | null {
  if (wire === 1 || wire === 5) return { number, wire, value: 0, start, end: start + (wire === 1 ? 8 : 4) };
  const found = varint(bytes, start);
  if (found === null) return null;
  const { value, end } = found;
  return wire === 0 ? { number, wire, value, start, end } : { number, wire, value: 0, start: end, end: end + value };
}

/** Wire types of the fields of onnx.ModelProto. */
const ONNX_MODEL = new Map([
  [1, 0],
  [2, 2],
  [3, 2],
  [4, 2],
  [5, 0],
  [6, 2],
  [7, 2],
  [8, 2],
  [14, 2],
  [20, 2],
  [25, 2],
  [26, 2],
]);
/** Fields of onnx.GraphProto, all of which are messages or texts. */
const ONNX_GRAPH = new Set([1, 2, 5, 10, 11, 12, 13, 14, 15, 16]);

type Message = readonly [Uint8Array, Field[]];

/** A version, a producer and so on, and a graph with nodes or tensors, which may be cut off. */
function isOnnx(bytes: Uint8Array): boolean {
  const fields = fieldsOf(bytes, 0, Number.POSITIVE_INFINITY) ?? [];
  if (!fields.every(({ number, wire }) => ONNX_MODEL.get(number) === wire)) return false;
  const version = fields.find(({ number }) => number === 1)?.value ?? 0;
  const graph = fields.find(({ number }) => number === 7);
  if (version < 1 || version > 100 || graph === undefined) return false;
  const inner = fieldsOf(bytes, graph.start, graph.end) ?? [];
  return inner.length > 0 && inner.every(({ number, wire }) => wire === 2 && ONNX_GRAPH.has(number));
}

/** Fields of CoreML.Specification.Model that hold a model of some type: of a hundred each, the first few. */
function isCoreMlType({ number, wire }: Field): boolean {
  return (
    wire === 2 &&
    ((number >= 200 && number < 700 && number % 50 < 20) ||
      number === 900 ||
      number === 3000 ||
      (number >= 2000 && number < 2010))
  );
}

/** A version, a description, and a model. */
function isCoreMl([, fields]: Message): boolean {
  const [version, description, ...rest] = fields;
  if (version?.number !== 1 || version.wire !== 0 || description?.number !== 2 || description.wire !== 2) return false;
  return rest.every((field) => field.number === 10 || isCoreMlType(field)) && rest.some(isCoreMlType);
}

/** tensorflow.SavedModel: version 1, and graphs of which each begins with information about itself. */
function isSavedModel([bytes, fields]: Message, size: number): boolean {
  const [version, ...graphs] = fields;
  if (version?.number !== 1 || version.value !== 1 || graphs.length === 0) return false;
  if (!graphs.every(({ number, wire }) => number === 2 && wire === 2)) return false;
  const [first] = fieldsOf(bytes, graphs[0]!.start, graphs[0]!.end) ?? [];
  return first?.number === 1 && first.wire === 2 && graphs.at(-1)!.end === size;
}

function textAt(bytes: Uint8Array, { start, end }: Field): string {
  return Buffer.from(bytes.subarray(start, end)).toString("latin1");
}

/** Repeated messages of field 1, of which the first tells: a node of a TensorFlow graph, or a piece of a tokenizer. */
function kindOfList([bytes, fields]: Message): ContainerKind | null {
  const [first] = fields;
  if (first?.number !== 1 || first.wire !== 2) return null;
  const inner = fieldsOf(bytes, first.start, first.end) ?? [];
  const [name, second] = inner;
  if (name?.number !== 1 || name.wire !== 2 || second?.number !== 2) return null;
  if (second.wire === 5) return fields.every(({ number }) => number <= 5) ? "sentencePiece" : null;
  const isNode = /^[\x21-\x7e]+$/.test(textAt(bytes, name)) && /^[A-Z]\w*$/.test(textAt(bytes, second));
  return second.wire === 2 && isNode && inner.every(({ number }) => number <= 7) ? "tfGraph" : null;
}

/**
 * The kind of a protobuf message that is one model or graph, or null. Protobuf has no signature: a message is named when its
 * fields, and those of what lies in it, are of the numbers and types of exactly one format.
 *
 * @param bytes the first of the file
 * @param size of the whole file
 */
export function kindOfProtobuf(bytes: Uint8Array, size: number): ContainerKind | null {
  if (isOnnx(bytes)) return "onnx";
  const fields = fieldsOf(bytes, 0, size);
  if (fields === null) return null;
  const message: Message = [bytes, fields];
  if (isCoreMl(message)) return "coreMl";
  if (isSavedModel(message, size)) return "savedModel";
  return kindOfList(message);
}
