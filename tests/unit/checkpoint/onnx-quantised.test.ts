import { describe, expect, it } from "vitest";
import { bytes, codes, node, plain, TYPE, tensor } from "../../support/onnx-file.mjs";
import { notesOf, readModel, scale } from "../../support/read-onnx.ts";

const MS = "com.microsoft";

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
    const told = await notesOf(
      [nbits(["onnx::MatMul_1_Q4", "s", "matrix"])],
      [q, s, codes("matrix", [2, 1], [0x33, 0x33], TYPE.UINT8)],
    );
    expect(told.filter((note) => note.includes("not understood"))).toEqual([]);
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
