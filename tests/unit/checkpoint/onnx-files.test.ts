import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { hubOf, remoteOf } from "../../support/hub-remote.ts";
import { model as directory, opened, refused } from "../../support/model-directory.ts";
import {
  bytes,
  codes,
  external,
  floats,
  graph,
  model,
  modelOf,
  node,
  plain,
  TYPE,
  tensor,
} from "../../support/onnx-file.mjs";
import { notesOf, place, read, readModel, scale } from "../../support/read-onnx.ts";
import { refusal } from "../../support/refusal.ts";
import { torchZip } from "../../support/torch-file.mjs";

const W = plain("a.weight", [2, 2], [1, 2, 3, 4]);

describe("openCheckpoint on models of ONNX", () => {
  it("reads a model that is named itself, or the only one of a directory", async () => {
    const at = place(modelOf(W));
    for (const location of [at, join(at, "model.onnx")]) {
      expect(await read(location)).toEqual({
        "a.weight": [
          [2, 2],
          [1, 2, 3, 4],
        ],
      });
      const { container, files } = await opened(location);
      expect(container).toBe("onnx");
      expect(files).toMatchObject([{ path: "model.onnx", absolutePath: expect.any(String) }]);
    }
    const several = place(modelOf(W), { "model_int8.onnx": modelOf(W) });
    expect((await opened(several)).notes).toContainEqual(expect.stringContaining('not: "model_int8.onnx"'));
    await refused(directory({ "a.onnx": modelOf(W), "b.onnx": modelOf(W) }), "AMBIGUOUS_CHECKPOINT");
    const error = await refused(directory({ "onnx/model.onnx": modelOf(W) }), "NO_WEIGHTS");
    expect(error.detail).toMatch(/onnx\.$/);
    expect(
      (
        await opened(
          directory({ "a.pt": "x", "model.safetensors": "x", "model.onnx": modelOf(W) }).replace(/$/, "/model.onnx"),
        )
      ).container,
    ).toBe("onnx");
  });

  it("reads the model of a directory whose tensors lie in files that are called as PyTorch's are", async () => {
    const far = tensor("b", [2], external({ location: "weights.bin" }));
    const folder = { "model.onnx": modelOf(W, far), "weights.bin": floats(5, 6) };
    const at = directory(folder);
    expect(await read(at)).toMatchObject({ b: [[2], [5, 6]] });
    expect((await opened(at)).notes).toEqual([]);
    // What holds arrays of PyTorch is what the model was exported from.
    const trained = directory({ ...folder, "trained.bin": torchZip(new Map(), {}) });
    await refused(trained, "AMBIGUOUS_CHECKPOINT");
  });

  it("reads tensors that lie beside the model where they lie", async () => {
    const far = (name: string, offset: string) =>
      tensor(name, [2], external({ location: "w/x.bin", offset, note: "y" }));
    const at = place(
      modelOf(W, far("b", "4"), far("c", "12"), far("d", "12"), tensor("e", [0], external({ location: "w/x.bin" }))),
      {
        "w/x.bin": floats(0, 1, 2, 3, 4),
        "model.onnx.data": "",
      },
    );
    expect(await read(at)).toEqual({
      "a.weight": [
        [2, 2],
        [1, 2, 3, 4],
      ],
      b: [[2], [1, 2]],
      c: [[2], [3, 4]],
      d: [[2], [3, 4]],
      e: [[0], []],
    });
    const { files, notes } = await opened(at);
    expect(files.map(({ path }) => path)).toEqual(["model.onnx", "w/x.bin"]);
    expect(files.every(({ absolutePath }) => absolutePath !== null)).toBe(true);
    expect(notes).toEqual([]);
    await refused(place(modelOf(far("b", "16")), { "w/x.bin": floats(1, 2, 3, 4, 5) }), "ONNX_OUT_OF_BOUNDS");
    await refused(place(modelOf(far("b", "0"), far("c", "4")), { "w/x.bin": floats(1, 2, 3, 4, 5) }), "ONNX_OVERLAP");
    await refused(place(modelOf(far("b", "0"))), "SHARD_MISSING");
    const many = Array.from({ length: 4097 }, (_, i) => tensor(`t${i}`, [1], external({ location: `f${i}` })));
    await refused(place(modelOf(...many)), "ONNX_LIMIT");
  });

  it("reads models of the Hub and of web servers by ranges, with what lies beside them", async () => {
    const far = tensor("b", [2], external({ location: "model.onnx_data", offset: "4" }));
    const q = [codes("c", [1], [3]), scale("s", 2)];
    const content = model(
      graph([node("DequantizeLinear", ["c", "s"], ["y"], { attributes: { axis: 0 } })], [W, far, ...q]),
    );
    const files = { "onnx/model.onnx": content, "onnx/model.onnx_data": floats(0, 1, 2) };
    const hub = await hubOf({ "acme/base": { files } });
    const remote = await remoteOf(hub);
    const expected = {
      "a.weight": [
        [2, 2],
        [1, 2, 3, 4],
      ],
      b: [[2], [1, 2]],
      c: [[1], [6], "INT8, scales for the tensor"],
    };
    for (const location of [
      "hf:acme/base/onnx",
      "hf:acme/base/onnx/model.onnx",
      `${hub.endpoint}/acme/base/resolve/main/onnx/model.onnx`,
    ]) {
      expect(await read(location, { remote })).toEqual(expected);
    }
    const error = await refusal(openCheckpoint("hf:acme/base", { remote }), "NO_WEIGHTS");
    expect(error.detail).toMatch(/\/onnx\.$/);
  });

  it("gives numbers that are written one by one as bytes", async () => {
    const one = (value: number) => Buffer.concat([Buffer.from([5 * 8]), Buffer.from([value])]);
    const single = (value: number) => Buffer.concat([Buffer.from([4 * 8 + 5]), floats(value)]);
    const tensors = [
      tensor("half", [2], bytes(5, Buffer.from([0x80, 0x78, 0x80, 0x80, 1])), TYPE.FLOAT16),
      tensor("byte", [2], Buffer.concat([one(7), one(1)]), TYPE.INT8),
      tensor("long", [1], bytes(7, Buffer.from([...Array(9).fill(0xff), 1])), TYPE.INT64),
      tensor("float", [2], Buffer.concat([single(1), single(-2)])),
      tensor("list", [2], bytes(4, floats(5, 6))),
      tensor("scalar", [], bytes(4, floats(5))),
    ];
    expect(await readModel([], tensors)).toEqual({
      half: [[2], [0, 60, 0, 64]],
      byte: [[2], [7, 1]],
      long: [[1], Array(8).fill(255)],
      float: [[2], [1, -2]],
      list: [[2], [5, 6]],
      scalar: [[], [5]],
    });
  });

  it("gives constants of nodes, and what is stored once under all of its names", async () => {
    const value = (content: Buffer) => ({ attributes: { value: bytes(5, content) } });
    const nodes = [
      node("Constant", [], ["a.c"], value(tensor("ignored", [1], bytes(9, floats(8))))),
      node("Constant", [], ["/shape"], value(codes("x", [2], [1, 2], TYPE.UINT8))),
      node("Constant", [], ["/text"], value(tensor("x", [1], bytes(6, "x"), TYPE.STRING))),
      node("Identity", ["n.weight"], ["m.weight"]),
      node("Identity", ["x"], ["y.weight"]),
      node("Identity", ["n.weight"], ["/copy.1"]),
    ];
    expect(await readModel(nodes, [plain("n.weight", [1], [2])])).toEqual({
      "n.weight": [[1], [2]],
      "m.weight": [[1], [2]],
      "a.c": [[1], [8]],
    });
  });

  it("says what it leaves out", async () => {
    const inner = graph([node("Constant", [], ["z"], { attributes: { value: bytes(5, W) } })], [W]);
    const nodes = [
      node("If", ["c"], ["o"], { attributes: { then_branch: bytes(6, inner), else_branch: bytes(11, inner) } }),
    ];
    const tensors = [
      tensor("t", [1], bytes(6, "x"), TYPE.STRING),
      ...Array.from({ length: 7 }, (_, i) => codes(`q${i}x`, [2, 2], [1, 2, 3, 4])),
      tensor("f", [2], bytes(9, Buffer.from([1])), TYPE.FLOAT4E2M1),
      codes("b_quantized", [1], [1]),
      plain("onnx::MatMul_7", [2, 2], [1, 2, 3, 4]),
    ];
    expect(await notesOf(nodes, tensors, [bytes(15, "")])).toEqual([
      'tensors that are quantised in a way that is not understood, and were not read: "q0x", "q1x", "q2x", "q3x", "q4x", 4 more',
      'tensors that hold text or numbers of a kind that no weights are, and were not read: "t"',
      "4 tensors of loops and branches within the graph were not read",
      "1 sparse initialisers were not read",
      "of 1 tensors the graph does not tell what they were called before the export",
    ]);
  });
});
