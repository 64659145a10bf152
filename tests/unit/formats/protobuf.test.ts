import { describe, expect, it } from "vitest";
import { kindOfProtobuf } from "../../../src/formats/foreign/protobuf.ts";

type Content = string | readonly number[];

/** A number as protobuf writes it: seven bits a byte, the least first. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [0x80 | (value % 0x80), ...varint(Math.floor(value / 0x80))];
}

const bytesOf = (content: Content) => (typeof content === "string" ? [...Buffer.from(content, "latin1")] : content);
/** Fields of each wire type. */
const whole = (number: number, value: number) => [...varint(number * 8), ...varint(value)];
const eight = (number: number, content: Content = "\0\0\0\0\0\0\0\0") => [
  ...varint(number * 8 + 1),
  ...bytesOf(content),
];
const four = (number: number, content: Content = "\0\0\0\0") => [...varint(number * 8 + 5), ...bytesOf(content)];
const field = (number: number, content: Content) => {
  const bytes = bytesOf(content);
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
};

const kindOf = (...fields: (readonly number[])[]) => {
  const bytes = Uint8Array.from(fields.flat());
  return kindOfProtobuf(bytes, bytes.length);
};
/** Of a file of `size` bytes, of which no more than these have been read. */
const kindOfStart = (bytes: readonly number[], size = 1 << 30) => kindOfProtobuf(Uint8Array.from(bytes), size);

/** Goes on beyond eight bytes, which is no number of ours. */
const ENDLESS = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];

describe("an ONNX model", () => {
  const version = whole(1, 8);
  const graph = field(7, field(1, "node"));

  it.each([1, 8, 100])("has version %i", (number) => {
    expect(kindOf(whole(1, number), graph)).toBe("onnx");
  });

  it.each([0, 101])("does not have version %i", (number) => {
    expect(kindOf(whole(1, number), graph)).toBeNull();
  });

  it("has a version and a graph", () => {
    expect(kindOf(version, graph)).toBe("onnx");
    expect(kindOf(graph, version)).toBe("onnx");
    expect(kindOf(graph)).toBeNull();
    expect(kindOf(version)).toBeNull();
    expect(kindOf(version, field(2, "pytorch"))).toBeNull();
  });

  it.each([2, 3, 4, 6, 8, 14, 20, 25, 26])("may have field %i, which is text or a message", (number) => {
    expect(kindOf(version, field(number, "x".repeat(200)), graph)).toBe("onnx");
    expect(kindOf(version, graph, field(number, ""))).toBe("onnx");
    expect(kindOf(version, whole(number, 1), graph)).toBeNull();
  });

  it("may say the version of the model, which is a number", () => {
    expect(kindOf(version, whole(5, 70_000), graph)).toBe("onnx");
    expect(kindOf(version, field(5, "x"), graph)).toBeNull();
  });

  it.each([9, 13, 15, 27])("has no field %i", (number) => {
    expect(kindOf(version, field(number, "x"), graph)).toBeNull();
  });

  it.each([1, 2, 5, 10, 11, 12, 13, 14, 15, 16])("may have field %i in its graph", (number) => {
    expect(kindOf(version, field(7, field(number, "x")))).toBe("onnx");
    expect(kindOf(version, field(7, whole(number, 1)))).toBeNull();
  });

  it.each([3, 4, 6, 9, 17])("has no field %i in its graph", (number) => {
    expect(kindOf(version, field(7, [...field(1, "node"), ...field(number, "x")]))).toBeNull();
  });

  it("has a graph that is a message with something in it", () => {
    expect(kindOf(version, field(7, ""))).toBeNull();
    expect(kindOf(version, field(7, "\0"))).toBeNull();
    expect(kindOf(version, field(7, field(1, "node").slice(0, -1)), field(2, "x"))).toBeNull();
  });

  it("may be cut off anywhere behind the first bytes of its graph", () => {
    const long = field(7, [...field(1, "x".repeat(300)), ...field(16, "y".repeat(300)), ...field(1, "z")]);
    const file = [...version, ...long];
    const untold = [];
    for (let length = 0; length < file.length; length++) {
      if (kindOfStart(file.slice(0, length), file.length) !== "onnx") untold.push(length);
    }
    // The version, the tag and length of the graph, and those of its first node, which has to be there.
    expect(untold).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("a Core ML model", () => {
  const start = [...whole(1, 4), ...field(2, "description")];

  it.each([200, 219, 250, 269, 650, 669, 900, 2000, 2009, 3000])("holds a model in field %i", (number) => {
    expect(kindOf(start, field(number, "model"))).toBe("coreMl");
    expect(kindOf(start, field(10, "x"), field(number, "model"))).toBe("coreMl");
    expect(kindOf(start, whole(number, 1))).toBeNull();
  });

  it.each([100, 199, 220, 249, 270, 670, 699, 700, 719, 899, 901, 1999, 2010, 2999, 3001])(
    "holds none in field %i",
    (number) => {
      expect(kindOf(start, field(number, "model"))).toBeNull();
      expect(kindOf(start, field(200, "model"), field(number, "model"))).toBeNull();
    },
  );

  it("has a version, a description and a model", () => {
    const model = field(200, "model");
    expect(kindOf(start)).toBeNull();
    expect(kindOf(start, field(10, "x"))).toBeNull();
    expect(kindOf(whole(1, 4), model)).toBeNull();
    expect(kindOf(whole(1, 4), field(3, "x"), model)).toBeNull();
    expect(kindOf(whole(1, 4), whole(2, 1), model)).toBeNull();
    expect(kindOf(whole(2, 4), field(2, "x"), model)).toBeNull();
    expect(kindOf(field(1, "x"), field(2, "x"), model)).toBeNull();
  });
});

describe("a TensorFlow SavedModel", () => {
  const information = field(1, field(2, "serve"));
  const graph = field(2, information);

  it("is of version 1 and has graphs that end where the file ends", () => {
    const file = [...whole(1, 1), ...graph];
    expect(kindOf(file)).toBe("savedModel");
    expect(kindOf(file, graph)).toBe("savedModel");
    expect(kindOf(file, field(3, "x"))).toBeNull();
    expect(kindOf(file, whole(2, 1))).toBeNull();
    expect(kindOf(whole(1, 2), graph)).toBeNull();
    expect(kindOf(whole(2, 1), graph)).toBeNull();
    expect(kindOf(eight(1, "\x01\0\0\0\0\0\0\0"), graph)).toBeNull();
    expect(kindOf(whole(1, 1))).toBeNull();
    expect(kindOfStart(file, file.length + 1)).toBeNull();
    expect(kindOfStart(file, file.length - 1)).toBeNull();
    expect(kindOfStart(file.slice(0, -3), file.length)).toBe("savedModel");
  });

  it("says first what its graph is", () => {
    const withGraph = (...fields: (readonly number[])[]) => kindOf(whole(1, 1), field(2, fields.flat()));
    expect(withGraph(field(2, "x"), information)).toBeNull();
    expect(withGraph(whole(1, 1), information)).toBeNull();
    expect(withGraph()).toBeNull();
    // What follows may be anything, so long as it is a message.
    expect(withGraph(information, eight(9), four(8), whole(7, 2 ** 40), field(10_000, "x"))).toBe("savedModel");
    expect(withGraph(information, field(10_001, "x"))).toBeNull();
    expect(withGraph(information, field(0, "x"))).toBeNull();
    for (const wire of [3, 4, 6, 7]) expect(withGraph(information, [9 * 8 + wire, 0])).toBeNull();
    expect(withGraph(information, field(9, "long text").slice(0, -1))).toBeNull();
  });

  it("has no number of more than eight bytes", () => {
    const withValue = (...value: number[]) => kindOf(whole(1, 1), field(2, [...information, 9 * 8, ...value]));
    expect(withValue(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)).toBe("savedModel");
    expect(withValue(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)).toBeNull();
    expect(withValue(...ENDLESS)).toBeNull();
    expect(kindOf(whole(1, 1), field(2, [...information, ...ENDLESS]))).toBeNull();
  });
});

describe("a TensorFlow graph", () => {
  const node = (...fields: (readonly number[])[]) => field(1, fields.flat());
  const name = field(1, "w/read:0");
  const operation = field(2, "Const");

  it("begins with a node that has a name and an operation", () => {
    expect(kindOf(node(name, operation))).toBe("tfGraph");
    expect(kindOf(node(field(1, "!~"), field(2, "A")))).toBe("tfGraph");
    expect(kindOf(node(name, operation), whole(3, 1))).toBe("tfGraph");
    expect(kindOf(field(2, [...name, ...operation]))).toBeNull();
    expect(kindOf(node(operation, name))).toBeNull();
    expect(kindOf(node(name))).toBeNull();
    expect(kindOf(node())).toBeNull();
    expect(kindOf(node(name, field(3, "Const")))).toBeNull();
    expect(kindOf(node(eight(1, "w/read:0"), operation))).toBeNull();
    expect(kindOf(node(name, eight(2, "Constant")))).toBeNull();
    expect(kindOf(eight(1, [...field(1, "a"), ...field(2, "Abc")]))).toBeNull();
    expect(kindOf(whole(1, 200), operation)).toBeNull();
  });

  it.each(["", "a b", " a", "a ", "a\x7f", "\xe9"])("has no node called %j", (other) => {
    expect(kindOf(node(field(1, other), operation))).toBeNull();
  });

  it.each(["", "const", " Const", "Const ", "Co-nst", "1Const", "C\xf6nst"])("has no operation %j", (other) => {
    expect(kindOf(node(name, field(2, other)))).toBeNull();
  });

  it.each([3, 4, 5, 6, 7])("may have field %i in a node", (number) => {
    expect(kindOf(node(name, operation, field(number, "x")))).toBe("tfGraph");
  });

  it("has no field 8 in a node", () => {
    expect(kindOf(node(name, operation, field(8, "x")))).toBeNull();
    expect(kindOf(node(name, operation, field(8, "x"), field(3, "x")))).toBeNull();
  });

  it("is none where its first node is no message", () => {
    expect(kindOf(node(name, operation, ENDLESS))).toBeNull();
    expect(kindOf(node(name, operation, field(3, "x").slice(0, -1)), field(2, "x"))).toBeNull();
  });

  it("is told where its first node is cut off", () => {
    const long = node(name, operation, field(5, "x".repeat(300)));
    expect(kindOfStart(long.slice(0, 50))).toBe("tfGraph");
    expect(kindOfStart(long.slice(0, 50), 60)).toBeNull();
  });
});

describe("a SentencePiece tokenizer", () => {
  const piece = field(1, [...field(1, "<unk>"), ...four(2), ...whole(3, 2)]);

  it("is a list of pieces with scores, and what it was trained with", () => {
    expect(kindOf(piece)).toBe("sentencePiece");
    expect(kindOf(piece, piece, field(5, "x"))).toBe("sentencePiece");
    expect(kindOf(piece, field(6, "x"))).toBeNull();
    expect(kindOf(field(2, "x"), piece)).toBeNull();
    expect(kindOf(field(1, [...field(2, "<unk>"), ...four(2)]))).toBeNull();
    expect(kindOf(field(1, [...field(1, "<unk>"), ...four(3)]))).toBeNull();
  });

  it("is told by its first two hundred fields", () => {
    const pieces = (count: number) => Array.from({ length: count }, () => piece).flat();
    expect(kindOf(pieces(199), field(6, "x"))).toBeNull();
    expect(kindOf(pieces(200), field(6, "x"))).toBe("sentencePiece");
  });

  it("is told where a piece is cut off, and not where bytes follow that are no field", () => {
    for (let length = piece.length; length <= 2 * piece.length; length++) {
      expect(kindOfStart([...piece, ...piece].slice(0, length))).toBe("sentencePiece");
    }
    expect(kindOfStart([...piece, ...ENDLESS.slice(0, 7)])).toBe("sentencePiece");
    expect(kindOfStart([...piece, ...ENDLESS.slice(0, 8)])).toBeNull();
    expect(kindOfStart([...piece, 0x0a, ...ENDLESS.slice(0, 7)])).toBe("sentencePiece");
    expect(kindOfStart([...piece, 0x0a, ...ENDLESS.slice(0, 8)])).toBeNull();
  });
});

describe("what is no protobuf message", () => {
  it("is nothing", () => {
    expect(kindOf()).toBeNull();
    expect(kindOf([0x80])).toBeNull();
    expect(kindOf([0, 0])).toBeNull();
    expect(kindOf(ENDLESS)).toBeNull();
  });
});
