import { describe, expect, it } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { readOnnx } from "../../../src/formats/onnx/read-onnx.ts";
import {
  bytes,
  fixed,
  floats,
  graph,
  int,
  model,
  modelOf,
  node,
  plain,
  TYPE,
  tensor,
  varint,
} from "../../support/onnx-file.mjs";
import { refusal } from "../../support/refusal.ts";

const read = (content: Uint8Array) => readOnnx(memorySource(content, "a.onnx"));
const refuse = (content: Uint8Array, code: ErrorCode) => refusal(read(content), code);
const ofNode = (...fields: Buffer[]) => model(graph([Buffer.concat(fields)], []));
const ofAttribute = (...fields: Buffer[]) => ofNode(bytes(5, Buffer.concat(fields)));

describe("readOnnx", () => {
  it("says where tensors lie, and reads nothing of them", async () => {
    const raw = Buffer.alloc(300_000, 1);
    const content = modelOf(tensor("large", [75_000], bytes(9, raw)), plain("small", [1], [2]));
    const asked: number[] = [];
    const inner = memorySource(content, "a.onnx");
    const source = {
      ...inner,
      read(start: number, end: number) {
        asked.push(end - start);
        return inner.read(start, end);
      },
    };
    const { initialisers } = await readOnnx(source);
    const { place, shape, size } = initialisers.get("large")!;
    expect([shape, size]).toEqual([[75_000], 300_000]);
    expect("start" in place && content.subarray(place.start, place.end).equals(raw)).toBe(true);
    expect(asked.reduce((a, b) => a + b)).toBeLessThan(140_000);
  });

  it("reads names and lists that lie across the pieces that are held", async () => {
    const names = Array.from({ length: 9000 }, (_, i) => `a.value.of.some.length.${i}`);
    const nodes = names.map((name) =>
      node("MatMul", [name, `${name}.b`], [`${name}.c`], { attributes: { perm: [1, 0] } }),
    );
    const content = model(
      graph(
        nodes,
        names.map((name) => plain(name, [2, 1, 1], [1, 2])),
      ),
    );
    const { nodes: found, initialisers } = await read(content);
    expect(found.map(({ inputs }) => inputs[0])).toEqual(names);
    expect(found.every(({ numbers }) => String(numbers.get("perm")) === "1,0")).toBe(true);
    expect([...initialisers.keys()]).toEqual(names);
    const packed = names.map((name) =>
      Buffer.concat([
        bytes(1, Buffer.from([2, ...Array(40).fill(1)])),
        int(2, 1),
        bytes(8, name),
        bytes(9, floats(1, 2)),
      ]),
    );
    expect([...(await read(modelOf(...packed))).initialisers.values()].every(({ elements }) => elements === 2)).toBe(
      true,
    );
  });

  it("knows what of nodes tells how weights are used", async () => {
    const inner = graph([node("Relu", ["q"], ["r"])], []);
    const content = model(
      graph(
        [
          node("If", ["c"], ["o"], { attributes: { then_branch: bytes(6, inner), else_branch: bytes(11, inner) } }),
          node("Gemm", ["x", "", "w"], ["y"], {
            name: "n",
            domain: "ai.onnx",
            attributes: { transB: 1, alpha: 5, axis: -1 },
            scopes: "['m']",
          }),
          Buffer.concat([
            bytes(4, "Relu"),
            bytes(9, Buffer.concat([bytes(1, "trace"), bytes(2, "x")])),
            bytes(9, bytes(2, "x")),
          ]),
          Buffer.concat([
            bytes(4, "Gather"),
            bytes(9, bytes(1, "pkg.torch.onnx.name_scopes")),
            bytes(9, Buffer.concat([int(3, 1), bytes(1, "pkg.torch.onnx.name_scopes"), bytes(2, "['n']")])),
          ]),
          Buffer.concat([bytes(5, Buffer.concat([bytes(1, "axis"), int(3, 2n ** 63n)]))]),
          Buffer.concat([bytes(5, Buffer.concat([bytes(1, "perm"), ...Array.from({ length: 70 }, () => int(8, 1))]))]),
          Buffer.concat([bytes(5, Buffer.concat([bytes(1, "perm"), bytes(8, Buffer.alloc(100, 1))]))]),
          node("Constant", [], ["c"], { attributes: { axis: 1 } }),
          node("Constant", [], [], { attributes: { value: bytes(5, plain("x", [1], [1])) } }),
        ],
        [],
      ),
    );
    const { nodes } = await read(content);
    expect(nodes.map(({ op }) => op).slice(0, 5)).toEqual(["If", "Relu", "Relu", "Gemm", "Relu"]);
    expect(nodes[3]).toMatchObject({ name: "n", domain: "", inputs: ["x", "", "w"], outputs: ["y"], scopes: "['m']" });
    expect([...nodes[3]!.numbers]).toEqual([
      ["transB", [1]],
      ["axis", [-1]],
    ]);
    expect(nodes.slice(4, 6).map(({ scopes }) => scopes)).toEqual([null, "['n']"]);
    expect(nodes[6]!.numbers.get("axis")).toEqual([Number.NaN]);
    expect(nodes[7]!.numbers.get("perm")).toHaveLength(64);
    expect(nodes[8]!.numbers.get("perm")).toEqual([]);
  });

  it("passes over what says nothing of weights", async () => {
    const { nodes } = await read(ofNode(bytes(6, "doc"), bytes(4, "Relu"), bytes(1, "x")));
    expect(nodes).toMatchObject([{ op: "Relu", inputs: ["x"] }]);
  });

  it("refuses fields of other types than theirs", async () => {
    const wrong = [
      model(graph([], [], [int(5, 1)])),
      model(graph([], [], [int(1, 1)])),
      ofNode(int(1, 1)),
      ofNode(int(5, 1)),
      ofNode(int(9, 1)),
      ofAttribute(fixed(3, floats(1))),
      ofAttribute(int(5, 1)),
      ofAttribute(int(6, 1)),
      modelOf(fixed(1, floats(1))),
      modelOf(fixed(2, floats(1))),
      modelOf(int(9, 1)),
      modelOf(int(13, 1)),
      modelOf(bytes(14, "x")),
      modelOf(bytes(13, int(1, 1))),
      modelOf(Buffer.concat([int(2, 1), bytes(8, "w"), bytes(4, floats(1)), int(4, 1)])),
    ];
    for (const content of wrong) await refuse(content, "ONNX_MALFORMED");
    const constant = node("Constant", [], ["c"], { attributes: { value: bytes(5, plain("x", [1], [1])) } });
    await refuse(model(graph([constant, constant], [])), "ONNX_MALFORMED");
  });

  it("refuses lists that are not what the shape says", async () => {
    const double = fixed(10, Buffer.alloc(8));
    const good = await read(
      modelOf(
        tensor("w", [2], Buffer.concat([double, double]), TYPE.DOUBLE),
        tensor("e", [0], bytes(4, "")),
        tensor("u", [1], bytes(11, varint(2n ** 64n - 1n)), TYPE.UINT64),
      ),
    );
    expect(good.initialisers.get("w")!.place).toEqual({ bytes: new Uint8Array(16) });
    expect(good.initialisers.get("u")!.place).toEqual({ bytes: new Uint8Array(8).fill(255) });
    await refuse(modelOf(tensor("w", [1], Buffer.concat([double, double]), TYPE.DOUBLE)), "ONNX_SIZE_WRONG");
    await refuse(modelOf(tensor("w", [0], int(5, 1), TYPE.INT8)), "ONNX_SIZE_WRONG");
    await refuse(modelOf(tensor("w", [3], Buffer.concat([double, double]), TYPE.DOUBLE)), "ONNX_SIZE_WRONG");
    await refuse(
      modelOf(tensor("w", [2], Buffer.concat([double, bytes(10, Buffer.alloc(8))]), TYPE.DOUBLE)),
      "ONNX_TENSOR_UNSUPPORTED",
    );
    await refuse(
      modelOf(tensor("w", [2], Buffer.concat([double, int(3000, 1), double]), TYPE.DOUBLE)),
      "ONNX_TENSOR_UNSUPPORTED",
    );
    await refuse(
      modelOf(tensor("w", [2], Buffer.concat([int(5, 1), int(7, 1)]), TYPE.INT8)),
      "ONNX_TENSOR_UNSUPPORTED",
    );
    await refuse(modelOf(tensor("", [1], bytes(9, floats(1)))), "ONNX_MALFORMED");
  });

  it("refuses what is cut off wherever it is", async () => {
    const whole = model(
      graph([node("MatMul", ["x", "w"], ["y"], { attributes: { perm: [1, 0] } })], [plain("w", [1, 2], [1, 2])]),
    );
    for (let length = 0; length < whole.length; length++) {
      const error = await read(whole.subarray(0, length)).catch(({ code }) => code);
      expect(["ONNX_TRUNCATED", "ONNX_MALFORMED"]).toContain(error);
    }
  });
});
