import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type OpenOptions, openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { hubOf, remoteOf } from "../../support/hub-remote.ts";
import { model as directory, type Files, opened, refused } from "../../support/model-directory.ts";
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
import { refusal } from "../../support/refusal.ts";

const W = plain("a.weight", [2, 2], [1, 2, 3, 4]);
const MS = "com.microsoft";
const place = (content: Buffer, files: Files = {}) => directory({ "model.onnx": content, ...files });
const scale = (name: string, ...values: number[]) => plain(name, [values.length], values);

/** Every tensor as it is read: values, shape, and what is told of it. */
async function read(location: string, options: OpenOptions = {}) {
  const checkpoint = await openCheckpoint(location, options);
  try {
    const found: Record<string, unknown> = {};
    for (const { name, dtype, shape, file, begin, end, scheme, inOut } of checkpoint.tensors.values()) {
      const raw = await checkpoint.files[file]!.source.read(begin, end);
      const values = dtype === "F32" ? [...new Float32Array(raw.slice().buffer)] : [...raw];
      found[name] = [shape, values, ...(scheme === undefined ? [] : [scheme]), ...(inOut === true ? ["inOut"] : [])];
    }
    return found;
  } finally {
    await checkpoint.close();
  }
}

const readModel = (nodes: Buffer[], tensors: Buffer[]) => read(place(model(graph(nodes, tensors))));
const notesOf = async (nodes: Buffer[], tensors: Buffer[], rest: Buffer[] = []) =>
  (await opened(place(model(graph(nodes, tensors, rest))))).notes.map((note) => note.replace("model.onnx: ", ""));

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

describe("names of tensors that an exporter renamed", () => {
  const anonymous = (n: number, shape = [2, 3]) =>
    plain(`onnx::MatMul_${n}`, shape, Array(shape.reduce((a, b) => a * b)).fill(n));
  const names = async (nodes: Buffer[], tensors: Buffer[]) =>
    Object.entries(await readModel(nodes, tensors)).map(
      ([name, told]) => `${name}${(told as unknown[]).includes("inOut") ? " inOut" : ""}`,
    );

  it("come from the module of the node, in either way of telling it", async () => {
    const nodes = [
      node("MatMul", ["x", "onnx::MatMul_1"], ["a"], { name: "/model/layers.0/q_proj/MatMul" }),
      node("MatMul", ["a", "onnx::MatMul_2"], ["b"], {
        name: "node_1",
        scopes: "['', 'model', 'model.k_proj', 'linear']",
      }),
      node("MatMul", ["a", "onnx::MatMul_3"], ["c"], { name: "node_2", scopes: '["v_proj", "linear"]' }),
      node("Transpose", ["onnx::MatMul_4"], ["t"], { attributes: { perm: [1, 0] } }),
      node("MatMul", ["a", "t"], ["d"], { name: "/o_proj/MatMul" }),
      node("Gemm", ["a", "onnx::MatMul_5", "onnx::MatMul_6"], ["e"], { name: "/up/Gemm", attributes: { transB: 1 } }),
      node("Transpose", ["onnx::MatMul_7"], ["u"], { attributes: { perm: [0, 1] } }),
      node("MatMul", ["a", "onnx::MatMul_8"], ["f"], { name: "/MatMul" }),
      node("MatMul", ["a", "onnx::MatMul_9"], ["g"], { name: "/a//MatMul", scopes: "['linear']" }),
      node("MatMul", ["onnx::MatMul_10", "a"], ["h"], { name: "/left/MatMul" }),
      node("Gather", ["onnx::MatMul_11", "a"], ["i"], { name: "/embed/Gather" }),
    ];
    const tensors = Array.from({ length: 11 }, (_, i) => anonymous(i + 1, i === 5 ? [3] : [2, 3]));
    expect(await names(nodes, tensors)).toEqual([
      "model.layers.0.q_proj.weight inOut",
      "model.k_proj.weight inOut",
      "v_proj.weight inOut",
      "o_proj.weight",
      "up.weight",
      "up.bias",
      "onnx::MatMul_7",
      "onnx::MatMul_8 inOut",
      "onnx::MatMul_9 inOut",
      "onnx::MatMul_10",
      "embed.weight",
    ]);
  });

  it("come from the bias that is added behind", async () => {
    const nodes = [
      node("MatMul", ["x", "onnx::MatMul_1"], ["a"]),
      node("Add", ["q.bias", "a"], ["b"]),
      node("MatMul", ["x", "onnx::MatMul_2"], ["c"], { name: "/m/v_1/MatMul" }),
      node("Cast", ["c"], ["d"]),
      node("Add", ["d", "m.v.bias"], ["e"]),
      // The bias of another module than the one that the node is of.
      node("MatMul", ["x", "onnx::MatMul_3"], ["f"], { name: "/m/decoder/MatMul" }),
      node("Add", ["f", "m.bias"], ["g"]),
      node("MatMul", ["x", "onnx::MatMul_4"], ["h"], { name: "/m/o/MatMul" }),
      node("Add", ["h", "onnx::Add_5"], ["i"], { name: "/m/o/Add" }),
      node("MatMul", ["x", "y"], ["j"], { name: "/m/scores/MatMul" }),
      node("Add", ["j", "onnx::Add_6"], ["k"], { name: "/m/scores/Add" }),
      node("MatMul", ["x", "onnx::MatMul_7"], ["l"]),
      node("Relu", ["l"], ["l2"]),
      node("MatMul", ["x", "onnx::MatMul_8"], ["n"]),
      node("Add", ["n", "x"], ["p"]),
      node("Add", ["x", "onnx::Add_9"], ["r"], { name: "/m/s/Add" }),
      node("Relu", ["r"], ["r2"]),
      node("Add", ["r2", "onnx::Add_10"], ["s"], { name: "/m/s/Add" }),
      node("Gemm", ["x", "onnx::MatMul_11", "fc.bias"], ["t"]),
      node("Identity", ["stored.bias"], ["alias"]),
      node("MatMul", ["x", "onnx::MatMul_12"], ["u"]),
      node("Add", ["u", "alias"], ["v"]),
      node("MatMul", ["x", "onnx::MatMul_13"], ["w"]),
      node("Add", ["w", "other"], ["w2"]),
    ];
    const vectors = [
      "q.bias",
      "m.v.bias",
      "m.bias",
      "onnx::Add_5",
      "onnx::Add_6",
      "onnx::Add_9",
      "onnx::Add_10",
      "fc.bias",
      "stored.bias",
      "other",
    ];
    const matrices = [1, 2, 3, 4, 7, 8, 11, 12, 13].map((n) => anonymous(n));
    const found = await names(nodes, [...matrices, ...vectors.map((name) => plain(name, [3], [1, 2, 3]))]);
    expect(found).toEqual([
      "q.weight inOut",
      "m.v.weight inOut",
      "m.decoder.weight inOut",
      "m.o.weight inOut",
      "onnx::MatMul_7 inOut",
      "onnx::MatMul_8 inOut",
      "fc.weight inOut",
      "stored.weight inOut",
      "onnx::MatMul_13 inOut",
      "q.bias",
      "m.v.bias",
      "m.bias",
      "m.o.bias",
      "onnx::Add_6",
      "onnx::Add_9",
      "onnx::Add_10",
      "fc.bias",
      "stored.bias",
      "other",
    ]);
  });

  it("are given to nobody where two would have them", async () => {
    const nodes = [
      node("MatMul", ["x", "onnx::MatMul_1"], ["a"], { name: "/q/MatMul" }),
      node("MatMul", ["x", "onnx::MatMul_2"], ["b"], { name: "/q/MatMul_1" }),
      node("MatMul", ["x", "onnx::MatMul_3"], ["c"], { name: "/k/MatMul" }),
      node("MatMul", ["x", "l.attn.MatMul.weight"], ["d"], { name: "/l/attn/MatMul" }),
    ];
    const tensors = [1, 2, 3].map((n) => anonymous(n));
    expect(
      await names(nodes, [...tensors, plain("k.weight", [1], [1]), plain("l.attn.MatMul.weight", [2, 1], [1, 2])]),
    ).toEqual([
      "onnx::MatMul_1 inOut",
      "onnx::MatMul_2 inOut",
      "onnx::MatMul_3 inOut",
      "k.weight",
      "l.attn.weight inOut",
    ]);
    const circle = [
      node("Identity", ["b"], ["a"]),
      node("Identity", ["a"], ["b"]),
      node("Add", ["a", "onnx::Add_1"], ["c"], { name: "/m/Add" }),
    ];
    expect(await names(circle, [plain("onnx::Add_1", [1], [1])])).toEqual(["onnx::Add_1"]);
    const endless = Array.from({ length: 20 }, (_, i) => node("Cast", [`c${i + 1}.w`], [`c${i}.w`]));
    expect(await names([...endless, node("Identity", ["c0.w"], ["q.w"])], [plain("c20.w", [1], [1])])).toEqual([
      "c20.w",
    ]);
  });
});

describe("weights of ONNX that are quantised", () => {
  const Q = codes("w.weight_quantized", [2, 3], [1, 2, 3, 255, 254, 253]);
  const dequantise = (inputs: string[], attributes = {}) => node("DequantizeLinear", inputs, ["y"], { attributes });
  const only = async (nodes: Buffer[], tensors: Buffer[]) => Object.entries(await readModel(nodes, tensors));

  it("are (code - zero point) * scale of DequantizeLinear", async () => {
    expect(await only([dequantise(["w.weight_quantized", "s"])], [Q, scale("s", 2)])).toEqual([
      ["w.weight", [[2, 3], [2, 4, 6, -2, -4, -6], "INT8, scales for the tensor"]],
    ]);
    const perAxis = [Q, scale("s", 1, 10), codes("z", [2], [1, 255])];
    expect(await only([dequantise(["w.weight_quantized", "s", "z"], { axis: -2 })], perAxis)).toEqual([
      ["w.weight", [[2, 3], [0, 1, 2, 0, -10, -20], "INT8, scales for each index of axis 0"]],
    ]);
    const inBlocks = [Q, plain("s", [2, 2], [1, 10, 100, 1000])];
    expect(await only([dequantise(["w.weight_quantized", "s"], { axis: 1, block_size: 2 })], inBlocks)).toEqual([
      ["w.weight", [[2, 3], [1, 2, 30, -100, -200, -3000], "INT8, scales in blocks of 2"]],
    ]);
    const small = [
      codes("w", [3], [0xf1, 0x07], TYPE.INT4),
      scale("s", 1),
      tensor("z", [1], bytes(5, Buffer.from([2])), TYPE.INT4),
    ];
    expect(await only([dequantise(["w", "s", "z"], { axis: 0 })], small)).toEqual([
      ["w", [[3], [-1, -3, 5], "INT4, scales for the tensor"]],
    ]);
    expect(await only([dequantise(["e", "s"])], [codes("e", [0, 2], []), scale("s", 1, 2)])).toEqual([
      ["e", [[0, 2], [], "INT8, scales for each index of axis 1"]],
    ]);
  });

  it("are those of whole products, whose scale stands behind them", async () => {
    const dynamic = [
      node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
      node("MatMulInteger", ["xq", "onnx::MatMul_3_quantized", "xz", "z"], ["p"], { name: "/up/MatMul_quant" }),
      node("Cast", ["p"], ["c"]),
      node("Mul", ["xs", "s"], ["f"]),
      node("Mul", ["c", "f"], ["y"]),
    ];
    const tensors = [
      codes("onnx::MatMul_3_quantized", [2, 2], [1, 2, 3, 4]),
      scale("s", 2, 3),
      codes("z", [2], [1, 1]),
    ];
    expect(await only(dynamic, tensors)).toEqual([
      ["up.weight", [[2, 2], [0, 3, 4, 9], "INT8, scales for each index of axis 1", "inOut"]],
    ]);
    const alone = [node("ConvInteger", ["x", "w"], ["p"]), node("Cast", ["p"], ["c"]), node("Mul", ["s", "c"], ["y"])];
    expect(await only(alone, [codes("w", [2, 1], [1, 2]), scale("s", 2, 3)])).toEqual([
      ["w", [[2, 1], [2, 6], "INT8, scales for each index of axis 0"]],
    ]);
    for (const behind of [
      [],
      [node("Relu", ["p"], ["r"])],
      [node("Cast", ["p"], ["c"]), node("Mul", ["c", "x"], ["r"])],
      [
        node("Cast", ["p"], ["c"]),
        ...Array.from({ length: 6 }, (_, i) => node("Cast", [i === 0 ? "c" : `c${i}`], [`c${i + 1}`])),
      ],
    ]) {
      const nodes = [node("MatMulInteger", ["x", "w"], ["p"]), ...behind];
      expect(await only(nodes, [codes("w", [1, 2], [1, 2])])).toEqual([]);
    }
  });

  it("are those of operators that have scales as inputs", async () => {
    const zero = codes("z", [1], [1]);
    const q = codes("w", [1, 2], [2, 3]);
    const told = [[1, 2], [2, 4], "INT8, scales for the tensor"];
    for (const one of [
      node("QLinearMatMul", ["x", "xs", "xz", "w", "s", "z", "ys", "yz"], ["y"]),
      node("QLinearConv", ["x", "xs", "xz", "w", "s", "z", "ys", "yz"], ["y"]),
      node("QGemm", ["x", "xs", "xz", "w", "s", "z"], ["y"], { domain: MS, attributes: { transB: 1 } }),
      node("MatMulIntegerToFloat", ["x", "w", "xs", "s", "xz", "z"], ["y"], { domain: MS }),
      node("DynamicQuantizeMatMul", ["x", "w", "s", "z"], ["y"], { domain: MS }),
      node("QLinearAdd", ["x", "xs", "xz", "w", "s", "z"], ["y"], { domain: MS }),
    ]) {
      expect(await only([one], [q, scale("s", 2), zero])).toEqual([["w", told]]);
    }
    const rows = [
      node("Gather", ["w", "i"], ["g"]),
      node("Relu", ["g"], ["h"]),
      node("DequantizeLinear", ["g", "s", "z"], ["y"]),
    ];
    expect(await only(rows, [q, scale("s", 2), zero])).toEqual([["w", told]]);
    expect(await only(rows, [codes("w", [2, 1], [2, 3]), scale("s", 2, 3)])).toEqual([]);
    const bias = [node("QLinearConv", ["x", "xs", "xz", "w", "s", "z", "ys", "yz", "b"], ["y"])];
    expect(await only(bias, [q, scale("s", 2), zero, codes("b", [1], [1, 0, 0, 0], TYPE.INT32)])).toEqual([
      ["w", told],
    ]);
  });

  it("are those of MatMulNBits and GatherBlockQuantized", async () => {
    const attributes = { N: 2, K: 20, bits: 4, block_size: 16 };
    const nbits = (inputs: string[], more = {}) =>
      node("MatMulNBits", ["x", ...inputs], ["y"], {
        name: "/up/MatMul_Q4",
        domain: MS,
        attributes: { ...attributes, ...more },
      });
    const q = codes("onnx::MatMul_1_Q4", [2, 2, 8], Array(32).fill(0x9a), TYPE.UINT8);
    const s = plain("s", [4], [1, 2, 3, 4]);
    const ten = (...factors: number[]) =>
      factors.flatMap((factor, i) =>
        Array.from({ length: i % 2 === 0 ? 16 : 4 }, (_, k) => factor * (k % 2 === 0 ? 10 : 9)),
      );
    const less = (values: number[], zero: number, factors: number[]) => {
      const at = (i: number) => factors[Math.floor(i / 20) * 2 + (i % 20 < 16 ? 0 : 1)]!;
      return values.map((value, i) => value - zero * at(i));
    };
    const scheme = "MatMulNBits, 4 bits, scales in blocks of 16";
    const values = ten(1, 2, 3, 4);
    expect(await only([nbits(["onnx::MatMul_1_Q4", "s"])], [q, s])).toEqual([
      ["up.weight", [[2, 20], less(values, 8, [1, 2, 3, 4]), scheme]],
    ]);
    const packed = codes("z", [2], [0x33, 0x33], TYPE.UINT8);
    expect(await only([nbits(["onnx::MatMul_1_Q4", "s", "z"])], [q, s, packed])).toEqual([
      ["up.weight", [[2, 20], less(values, 3, [1, 2, 3, 4]), scheme]],
    ]);
    const half = plain("z", [4], [0.5, 0.5, 0.5, 0.5]);
    expect(await only([nbits(["onnx::MatMul_1_Q4", "s", "z"])], [q, s, half])).toEqual([
      ["up.weight", [[2, 20], less(values, 0.5, [1, 2, 3, 4]), scheme]],
    ]);
    const byte = codes("onnx::MatMul_1_Q8", [2, 1, 8], Array(16).fill(129), TYPE.UINT8);
    expect(
      await only(
        [nbits(["onnx::MatMul_1_Q8", "s"], { K: 8, bits: 8, block_size: 8 })],
        [byte, plain("s", [2], [1, 2])],
      ),
    ).toEqual([
      ["up.weight", [[2, 8], [...Array(8).fill(1), ...Array(8).fill(2)], "MatMulNBits, 8 bits, scales in blocks of 8"]],
    ]);
    for (const [more, inputs, tensors] of [
      [{ bits: 3 }, ["onnx::MatMul_1_Q4", "s"], [s]],
      [{}, ["onnx::MatMul_1_Q4", "s", "", "g"], [s]],
      [{}, ["onnx::MatMul_1_Q4", "nobody"], []],
      [{ N: 3 }, ["onnx::MatMul_1_Q4", "s"], [s]],
      [{ block_size: 4 }, ["onnx::MatMul_1_Q4", "s"], [s]],
      [{}, ["onnx::MatMul_1_Q4", "s"], [plain("s", [3], [1, 2, 3])]],
      [{}, ["onnx::MatMul_1_Q4", "s", "nobody"], [s]],
      [{}, ["onnx::MatMul_1_Q4", "s", "z"], [s, codes("z", [3], [1, 2, 3], TYPE.UINT8)]],
      [{}, ["onnx::MatMul_1_Q4", "s", "z"], [s, plain("z", [3], [1, 2, 3])]],
    ] as const) {
      expect((await only([nbits([...inputs], more)], [q, ...tensors])).map(([name]) => name)).not.toContain(
        "up.weight",
      );
    }
    const gather = (inputs: string[], attributes = {}) =>
      node("GatherBlockQuantized", ["w", "i", ...inputs], ["y"], {
        domain: MS,
        attributes: { block_size: 16, ...attributes },
      });
    const table = codes("w", [1, 8], Array(8).fill(0x9a), TYPE.UINT8);
    const row = Array.from({ length: 16 }, (_, k) => (k % 2 === 0 ? 4 : 2));
    expect(await only([gather(["s"], { quantize_axis: 1 })], [table, scale("s", 2)])).toEqual([
      ["w", [[1, 16], row, "GatherBlockQuantized, 4 bits, scales in blocks of 16"]],
    ]);
    expect(
      await only(
        [gather(["s"], { quantize_axis: -1, block_size: 2 })],
        [codes("w", [1, 2], [0x21], TYPE.UINT4), plain("s", [1, 1], [2])],
      ),
    ).toEqual([["w", [[1, 2], [2, 4], "UINT4, scales in blocks of 2"]]]);
    for (const bad of [{ bits: 3 }, { quantize_axis: 0 }, { block_size: 4 }, { block_size: 8 }])
      expect((await only([gather(["s"], bad)], [table, scale("s", 2)])).map(([name]) => name)).not.toContain("w");
    expect(await only([gather(["s", "z"])], [table, scale("s", 2)])).toEqual([]);
  });

  it("are left out where what is said of them makes no sense", async () => {
    const wrong: [Buffer, Buffer[]][] = [
      [dequantise(["w.weight_quantized", "nobody"]), []],
      [dequantise(["w.weight_quantized", "s"]), [scale("s", 1, 2)]],
      [dequantise(["w.weight_quantized", "s"], { axis: -3 }), [scale("s", 1)]],
      [dequantise(["w.weight_quantized", "s"], { block_size: -1 }), [scale("s", 1)]],
      [dequantise(["w.weight_quantized", "s"], { block_size: 2 }), [scale("s", 1, 2)]],
      [dequantise(["w.weight_quantized", "s"]), [codes("s", [1], [1])]],
      [dequantise(["w.weight_quantized", "s", "nobody"]), [scale("s", 1)]],
      [dequantise(["w.weight_quantized", "s", "z"]), [scale("s", 1), codes("z", [2], [1, 2])]],
      [dequantise(["w.weight_quantized", "s", "z"]), [scale("s", 1), codes("z", [1], [1], TYPE.UINT8)]],
    ];
    for (const [one, tensors] of wrong) expect(await only([one], [Q, ...tensors])).toEqual([]);
    const two = [dequantise(["w.weight_quantized", "s"]), node("DequantizeLinear", ["w.weight_quantized", "r"], ["z"])];
    expect(await only(two, [Q, scale("s", 1), scale("r", 2)])).toEqual([]);
    const small = tensor("f", [2], bytes(9, Buffer.from([1])), TYPE.FLOAT4E2M1);
    expect(await only([dequantise(["f", "s"])], [small, scale("s", 1)])).toEqual([]);
  });
});
