import { describe, expect, it } from "vitest";
import { node, plain } from "../../support/onnx-file.mjs";
import { readModel } from "../../support/read-onnx.ts";

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
