/** Bad and odd models of ONNX for the corpus; the part of make.mjs that needs a writer of them. */
import { bytes, codes, external, fixed, floats, graph, int, model, modelOf, node, plain, TYPE, tensor, varint } from "../support/onnx-file.mjs";

const W = plain("a.weight", [2, 2], [1, 2, 3, 4]);
const raw = floats(1, 2, 3, 4);
const beside = (pairs) => modelOf(tensor("w", [2, 2], external(pairs)));
/** A branch within a branch and so on. */
const nested = (depth) => {
  let inner = graph([], [W]);
  for (let i = 0; i < depth; i++) inner = graph([node("If", ["c"], ["y"], { attributes: { then_branch: bytes(6, inner) } })], []);
  return model(inner);
};
const whole = modelOf(W);

/** @type {readonly (readonly [name: string, expect: string, why: string, bytes: Uint8Array])[]} */
export const ONNX_VECTORS = [
  ["plain.onnx", "ok", "one initialiser", whole],
  ["name-proto.onnx", "ok", "__proto__ is a name like any other", modelOf(plain("__proto__", [1], [1]))],
  ["name-path.onnx", "ok", "a name that would be a path", modelOf(plain("../../etc/passwd", [1], [1]))],
  ["unknown-fields.onnx", "ok", "fields of numbers that nobody has given out", model(graph([], [Buffer.concat([W, int(1000, 1)])], [bytes(2000, "x"), fixed(2001, Buffer.alloc(8))]))],
  ["nested.onnx", "ok", "branches sixteen deep", nested(16)],
  ["empty.onnx", "ok", "no initialiser at all", model(graph([node("Relu", ["x"], ["y"])], []))],
  ["packed-dims.onnx", "ok", "sizes in one field", modelOf(Buffer.concat([bytes(1, Buffer.from([2, 2])), int(2, 1), bytes(8, "w"), bytes(9, raw)]))],
  ["long-varints.onnx", "ok", "numbers with more bytes than they need", modelOf(Buffer.concat([varint(8), varint(4, 10), int(2, 1), bytes(8, "w"), bytes(9, raw)]))],
  ["same-twice.onnx", "ONNX_MALFORMED", "two initialisers of one name", modelOf(W, W)],
  ["two-graphs.onnx", "ONNX_MALFORMED", "two graphs, which parsers join", Buffer.concat([whole, bytes(7, graph([], [W]))])],
  ["no-graph.onnx", "ONNX_MALFORMED", "a model without a graph", int(1, 8)],
  ["graph-type.onnx", "ONNX_MALFORMED", "a number where the graph should be", Buffer.concat([int(1, 8), int(7, 1)])],
  ["group.onnx", "ONNX_MALFORMED", "a group, a form that ONNX never had", model(graph([], [W], [Buffer.from([0x1b, 0x1c])]))],
  ["wire-7.onnx", "ONNX_MALFORMED", "a wire type that is none", model(graph([], [W], [Buffer.from([0x1f])]))],
  ["field-0.onnx", "ONNX_MALFORMED", "a field of number 0", model(graph([], [W], [Buffer.from([0x00, 0x00])]))],
  ["field-large.onnx", "ONNX_MALFORMED", "a field of a number that is too large", model(graph([], [W], [Buffer.concat([varint(2n ** 40n), varint(0)])]))],
  ["varint-11.onnx", "ONNX_MALFORMED", "a number of eleven bytes", model(graph([], [W], [Buffer.from([0x50, ...Array(10).fill(0xff), 0x01])]))],
  ["varint-65-bits.onnx", "ONNX_MALFORMED", "a number of 65 bits", model(graph([], [W], [Buffer.from([0x50, ...Array(9).fill(0xff), 0x7f])]))],
  ["length-negative.onnx", "ONNX_MALFORMED", "a length below zero", model(graph([], [W], [bytes(10, "", -1)]))],
  ["length-huge.onnx", "ONNX_MALFORMED", "a length of 2^62", model(graph([], [W], [bytes(10, "", 2n ** 62n)]))],
  ["length-beyond-message.onnx", "ONNX_MALFORMED", "a field that reaches out of its message", Buffer.concat([modelOf(Buffer.concat([bytes(8, "w", 40)])), bytes(14, Buffer.alloc(80))])],
  ["varint-beyond-message.onnx", "ONNX_MALFORMED", "a number that reaches out of its message", Buffer.concat([modelOf(Buffer.from([0x08, 0x80])), bytes(14, "x")])],
  ["truncated.onnx", "ONNX_TRUNCATED", "the file ends in the weights", whole.subarray(0, whole.length - 6)],
  ["truncated-number.onnx", "ONNX_TRUNCATED", "the file ends in a number", Buffer.from([0x08, 0x88])],
  ["no-name.onnx", "ONNX_MALFORMED", "an initialiser without a name", modelOf(tensor(null, [1], bytes(9, floats(1))))],
  ["two-names.onnx", "ONNX_MALFORMED", "an initialiser with two names", modelOf(Buffer.concat([W, bytes(8, "b")]))],
  ["name-bomb.onnx", "ONNX_LIMIT", "a name of 20,000 bytes", modelOf(plain("x".repeat(20_000), [1], [1]))],
  ["name-bytes.onnx", "ONNX_MALFORMED", "a name that is no UTF-8", modelOf(Buffer.concat([int(1, 1), int(2, 1), bytes(8, Buffer.from([0xff])), bytes(9, floats(1))]))],
  ["name-number.onnx", "ONNX_MALFORMED", "a number where a name should be", modelOf(Buffer.concat([W.subarray(0, 6), int(8, 1)]))],
  ["size-negative.onnx", "ONNX_MALFORMED", "a size below zero", modelOf(tensor("w", [-1], bytes(9, floats(1))))],
  ["size-huge.onnx", "ONNX_MALFORMED", "a size beyond 2^53", modelOf(tensor("w", [2n ** 60n], bytes(9, floats(1))))],
  ["sizes-overflow.onnx", "ONNX_SIZE_WRONG", "a product of sizes beyond 2^53", modelOf(tensor("w", [2 ** 31, 2 ** 31], bytes(9, floats(1))))],
  ["rank.onnx", "ONNX_LIMIT", "65 axes", modelOf(tensor("w", Array(65).fill(1), bytes(9, floats(1))))],
  ["rank-packed.onnx", "ONNX_LIMIT", "a thousand axes in one field", modelOf(Buffer.concat([bytes(1, Buffer.alloc(1000, 1)), int(2, 1), bytes(8, "w"), bytes(9, raw)]))],
  ["raw-short.onnx", "ONNX_SIZE_WRONG", "fewer bytes than the shape has", modelOf(tensor("w", [5], bytes(9, raw)))],
  ["raw-twice.onnx", "ONNX_MALFORMED", "bytes twice, of which parsers take the last", modelOf(Buffer.concat([W, bytes(9, raw)]))],
  ["raw-and-list.onnx", "ONNX_MALFORMED", "bytes and numbers", modelOf(tensor("w", [4], Buffer.concat([bytes(9, raw), bytes(4, raw)])))],
  ["nothing.onnx", "ONNX_SIZE_WRONG", "a shape without values", modelOf(tensor("w", [4], Buffer.alloc(0)))],
  ["list-short.onnx", "ONNX_SIZE_WRONG", "fewer floats than the shape has", modelOf(tensor("w", [5], bytes(4, raw)))],
  ["list-long.onnx", "ONNX_SIZE_WRONG", "more numbers than the shape has", modelOf(tensor("w", [2], bytes(5, Buffer.from([1, 2, 3])), TYPE.INT8))],
  ["list-few.onnx", "ONNX_SIZE_WRONG", "far fewer numbers than the shape has", modelOf(tensor("w", [2 ** 20], bytes(5, Buffer.from([1, 2, 3])), TYPE.INT8))],
  ["list-bomb.onnx", "ONNX_LIMIT", "a shape of 2^40 numbers, of which three are there", modelOf(tensor("w", [2 ** 40], bytes(5, Buffer.from([1, 2, 3])), TYPE.INT8))],
  ["list-cut.onnx", "ONNX_SIZE_WRONG", "a list that ends within a number", modelOf(tensor("w", [2], bytes(5, Buffer.from([1, 0x81])), TYPE.INT8))],
  ["list-varint-11.onnx", "ONNX_MALFORMED", "a list with a number of eleven bytes", modelOf(tensor("w", [1], bytes(5, Buffer.from([...Array(10).fill(0xff), 1])), TYPE.INT8))],
  ["list-field.onnx", "ONNX_MALFORMED", "integers in the list of floats", modelOf(tensor("w", [4], bytes(4, raw), TYPE.INT32))],
  ["list-wire.onnx", "ONNX_MALFORMED", "floats as varints", modelOf(tensor("w", [1], int(4, 1)))],
  ["list-pieces.onnx", "ONNX_TENSOR_UNSUPPORTED", "one list in two fields", modelOf(tensor("w", [4], Buffer.concat([bytes(4, raw.subarray(0, 8)), bytes(4, raw.subarray(8))])))],
  ["list-long-tags.onnx", "ONNX_TENSOR_UNSUPPORTED", "a list whose tags have more bytes than they need", modelOf(tensor("w", [1], Buffer.concat([varint(5 * 8, 2), varint(1)]), TYPE.INT8))],
  ["segment.onnx", "ONNX_TENSOR_UNSUPPORTED", "a part of a larger tensor", modelOf(Buffer.concat([W, bytes(3, "")]))],
  ["type-none.onnx", "ok", "a type that is not known: left out", modelOf(tensor("w", [4], bytes(9, raw), 99))],
  ["codes-alone.onnx", "ok", "a matrix of bytes that nothing explains: left out", modelOf(codes("w", [2, 2], [1, 2, 3, 4]))],
  ["depth.onnx", "ONNX_LIMIT", "branches seventeen deep", nested(17)],
  ["external-missing.onnx", "SHARD_MISSING", "a file beside the model that is not there", beside({ location: "w.bin" })],
  ["external-parent.onnx", "SHARD_PATH_REFUSED", "a file outside of the directory", beside({ location: "../w.bin" })],
  ["external-absolute.onnx", "SHARD_PATH_REFUSED", "an absolute path", beside({ location: "/etc/passwd" })],
  ["external-drive.onnx", "SHARD_PATH_REFUSED", "a drive of Windows", beside({ location: "C:\\w.bin" })],
  ["external-web.onnx", "SHARD_PATH_REFUSED", "an address", beside({ location: "http://example.com/w.bin" })],
  ["external-encoded.onnx", "SHARD_PATH_REFUSED", "a path that is encoded", beside({ location: "%2e%2e/w.bin" })],
  ["external-empty.onnx", "SHARD_PATH_REFUSED", "a path without anything", beside({ location: "" })],
  ["external-long.onnx", "SHARD_PATH_REFUSED", "a long path", beside({ location: `../${"x".repeat(500)}` })],
  ["external-no-location.onnx", "ONNX_MALFORMED", "another file, but not which", beside({ offset: "0" })],
  ["external-offset.onnx", "ONNX_MALFORMED", "an offset below zero", beside({ location: "w.bin", offset: "-1" })],
  ["external-offset-hex.onnx", "ONNX_MALFORMED", "an offset that is no decimal number", beside({ location: "w.bin", offset: "0x10" })],
  ["external-offset-large.onnx", "ONNX_MALFORMED", "an offset beyond 2^53", beside({ location: "w.bin", offset: "9999999999999999" })],
  ["external-length.onnx", "ONNX_SIZE_WRONG", "a length that is not that of the shape", beside({ location: "w.bin", length: "15" })],
  ["external-twice.onnx", "ONNX_MALFORMED", "two locations", modelOf(tensor("w", [2, 2], Buffer.concat([external({ location: "a" }), external({ location: "b" })])))],
  ["external-and-raw.onnx", "ONNX_MALFORMED", "here and elsewhere", modelOf(Buffer.concat([W, external({ location: "a" })]))],
  ["given-out.onnx", "ONNX_LIMIT", "the same bytes under thousands of names", model(graph(Array.from({ length: 250 }, (_, i) => node("Identity", ["a.w"], [`x.w${"abcdefghij"[i % 10]}${i}x`])), [tensor("a.w", [4096], bytes(9, Buffer.alloc(16_384)))]))],
];
