import { expect, it, vi } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { readOnnx } from "../../../src/formats/onnx/read-onnx.ts";
import { bytes, graph, int, model, node, plain, TYPE, tensor } from "../../support/onnx-file.mjs";

vi.mock("../../../src/formats/onnx/limits.ts", async (original) => ({
  ...(await original<object>()),
  MAX_FIELDS: 400,
  MAX_TENSORS: 4,
  MAX_NODES: 5,
  MAX_EDGES: 12,
  MAX_TEXT_BYTES: 300,
  MAX_EXPANDED_BYTES: 8,
  WINDOW_BYTES: 64,
  FIRST_WINDOW_BYTES: 32,
}));

it("refuses models that are larger than any", async () => {
  const read = (content: Uint8Array) =>
    readOnnx(memorySource(content, "a.onnx")).then(
      () => "ok",
      ({ code, message }) => `${code}: ${message}`,
    );
  const of = (nodes: Buffer[], tensors: Buffer[] = []) => read(model(graph(nodes, tensors)));
  const tensors = (count: number) => Array.from({ length: count }, (_, i) => plain(`t${i}`, [1], [1]));
  const nodes = (count: number, edges = 1) =>
    Array.from({ length: count }, () => node("Relu", Array(edges).fill("x"), []));
  const list = (name: string) => tensor(name, [5], bytes(5, Buffer.from([1, 2, 3, 4, 5])), TYPE.INT8);
  expect(await of(nodes(5), tensors(4))).toBe("ok");
  expect(await of(nodes(6))).toMatch(/^ONNX_LIMIT: more than 5 nodes/);
  expect(await of(nodes(5, 3))).toMatch(/^ONNX_LIMIT: more than 12 inputs/);
  expect(await of([], tensors(5))).toMatch(/^ONNX_LIMIT: more than 4 tensors/);
  expect(await of([node("Relu", ["x".repeat(301)], [])])).toMatch(/^ONNX_LIMIT: names of more than 300/);
  // Longer than the piece that is held.
  expect(await of([node("Relu", ["x".repeat(100)], [])])).toBe("ok");
  const sizes = Buffer.concat([
    bytes(1, Buffer.from(Array(60).fill([0x81, 0]).flat())),
    int(2, 1),
    bytes(8, "w"),
    bytes(9, Buffer.alloc(4)),
  ]);
  expect(await of([], [sizes])).toBe("ok");
  expect(await of([], [list("a")])).toBe("ok");
  expect(await of([], [list("a"), list("b")])).toMatch(/^ONNX_LIMIT: values of more than 8/);
  expect(
    await read(
      model(
        graph(
          [],
          [],
          Array.from({ length: 401 }, () => int(1000, 1)),
        ),
      ),
    ),
  ).toMatch(/^ONNX_LIMIT: more than 400/);
  const constants = Array.from({ length: 5 }, (_, i) =>
    node("Constant", [], [`c${i}`], { attributes: { value: bytes(5, plain("x", [1], [1])) } }),
  );
  expect(await of(constants)).toMatch(/^ONNX_LIMIT: more than 4 tensors/);
});
