/** Writes models of ONNX for tests, sound ones and others: every part of a message may be replaced by bytes. */

/** A varint, of negative numbers with ten bytes, of `bytes` bytes where that is given. */
export function varint(value, bytes = 0) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out = [];
  do {
    out.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n || out.length < bytes);
  return Buffer.from(out.map((byte, i) => (i < out.length - 1 ? byte | 0x80 : byte)));
}

const tag = (number, wire) => varint(number * 8 + wire);

/** A field of wire type 0. */
export const int = (number, value) => Buffer.concat([tag(number, 0), varint(value)]);

/** A field of wire type 2; a number lies about its length. */
export function bytes(number, content, length) {
  const raw = Buffer.from(content);
  return Buffer.concat([tag(number, 2), varint(length ?? raw.length), raw]);
}

/** A field of wire type 1 or 5. */
export const fixed = (number, raw) => Buffer.concat([tag(number, raw.length === 8 ? 1 : 5), raw]);

const packed = (number, values) => bytes(number, Buffer.concat(values.map((value) => varint(value))));

/** Little-endian F32. */
export function floats(...values) {
  const raw = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) raw.writeFloatLE(value, i * 4);
  return raw;
}

/** Codes of the element types. */
export const TYPE = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT64: 13,
  COMPLEX64: 14,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
  UINT2: 25,
};

/** What a TensorProto says of a file beside the model. */
export function external(pairs) {
  const said = Object.entries(pairs).map(([key, value]) =>
    bytes(13, Buffer.concat([bytes(1, key), bytes(2, value), int(9, 1)])),
  );
  return Buffer.concat([...said, int(14, 1)]);
}

/** A TensorProto; `values` are fields, such as `bytes(9, raw)`. */
export function tensor(name, shape, values = bytes(9, Buffer.alloc(0)), type = TYPE.FLOAT) {
  const named = name === null ? [] : [bytes(8, name)];
  return Buffer.concat([...shape.map((size) => int(1, size)), int(2, type), ...named, values]);
}

/** A TensorProto of F32 whose bytes lie in the model. */
export const plain = (name, shape, values) => tensor(name, shape, bytes(9, floats(...values)));

/** A TensorProto of codes of a byte. */
export const codes = (name, shape, values, type = TYPE.INT8) =>
  tensor(name, shape, bytes(9, Buffer.from(values)), type);

/** An AttributeProto: a number, several, or one that holds a tensor or graphs. */
export function attribute(name, value) {
  const content = Array.isArray(value) ? packed(8, value) : Buffer.isBuffer(value) ? value : int(3, value);
  return Buffer.concat([bytes(1, name), content]);
}

/** A NodeProto. */
export function node(op, inputs, outputs, options = {}) {
  const { name = "", domain = "", attributes = {}, scopes } = options;
  const said = Object.entries(attributes).map(([key, value]) => bytes(5, attribute(key, value)));
  if (scopes !== undefined) {
    said.push(bytes(9, Buffer.concat([bytes(1, "pkg.torch.onnx.name_scopes"), bytes(2, scopes)])));
  }
  return Buffer.concat([
    ...inputs.map((input) => bytes(1, input)),
    ...outputs.map((output) => bytes(2, output)),
    bytes(3, name),
    bytes(4, op),
    ...said,
    bytes(7, domain),
  ]);
}

/** A GraphProto. */
export function graph(nodes, tensors, rest = []) {
  return Buffer.concat([
    ...nodes.map((one) => bytes(1, one)),
    bytes(2, "g"),
    ...tensors.map((one) => bytes(5, one)),
    ...rest,
  ]);
}

/** A ModelProto around a GraphProto. */
export const model = (content, rest = []) => Buffer.concat([int(1, 8), bytes(2, "test"), bytes(7, content), ...rest]);

/** A model of initialisers alone. */
export const modelOf = (...tensors) => model(graph([], tensors));
