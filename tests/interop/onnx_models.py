"""Writes models of ONNX with what is in them, for onnx.mjs: onnx_models.py DIRECTORY DRAWN"""

import hashlib
import json
import logging
import random
import sys
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
OUT = Path(sys.argv[1])
DRAWN = int(sys.argv[2])
CASES = []
RNG = np.random.default_rng(7)
T = TensorProto

DTYPES = {
    T.FLOAT: "F32", T.DOUBLE: "F64", T.FLOAT16: "F16", T.BFLOAT16: "BF16", T.INT64: "I64", T.INT32: "I32", T.INT16: "I16",
    T.UINT64: "U64", T.UINT32: "U32", T.UINT16: "U16", T.BOOL: "BOOL", T.COMPLEX64: "C64", T.FLOAT8E4M3FN: "F8_E4M3",
    T.FLOAT8E5M2: "F8_E5M2", T.FLOAT8E4M3FNUZ: "F8_E4M3FNUZ", T.FLOAT8E5M2FNUZ: "F8_E5M2FNUZ", T.FLOAT8E8M0: "F8_E8M0",
}


def told(values, dtype="F32", in_out=False, scheme=None):
    """Bytes as the tensor must be read; values that are decoded are F32."""
    values = np.asarray(values.astype(np.float32) if dtype == "F32" else values, order="C")
    return {"dtype": dtype, "shape": list(values.shape), "inOut": in_out, "scheme": scheme,
            "sha1": hashlib.sha1(values.tobytes()).hexdigest()}


def case(file, tensors, notes=(), absent=(), renamed=0):
    CASES.append({"file": file, "tensors": tensors, "notes": list(notes), "absent": list(absent), "renamed": renamed})


def save(file, nodes, initialisers, tensors, external=False, functions=(), **about):
    graph = helper.make_graph(nodes, "g", [], [], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)])
    path = OUT / file
    path.parent.mkdir(exist_ok=True, parents=True)
    if external:
        onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=external == "one",
                  location=f"{path.name}.data" if external == "one" else None, size_threshold=0, convert_attribute=False)
    else:
        onnx.save(model, path)
    case(file, tensors, **about)


def types():
    raw, lists, expected = [], [], {}
    for code, dtype in DTYPES.items():
        values = (RNG.standard_normal((3, 5)) * 9).astype(helper.tensor_dtype_to_np_dtype(code))
        if code == T.COMPLEX64:
            values = values + 1j
            values = values.astype(np.complex64)
        name = f"layer.{dtype}.w"
        raw.append(numpy_helper.from_array(values, name))
        assert raw[-1].data_type == code
        if code != T.FLOAT8E8M0:
            lists.append(helper.make_tensor(name, code, values.shape, values))
        expected[name] = told(values, dtype)
        again = numpy_helper.to_array(raw[-1])
        assert again.tobytes() == values.tobytes()
    save("types-raw/model.onnx", [], raw, expected)
    save("types-lists/model.onnx", [], lists, {name: value for name, value in expected.items() if "E8M0" not in name})
    save("types-one/model.onnx", [], raw, expected, external="one")
    save("types-many/model.onnx", [], raw, expected, external="many")
    scalar = numpy_helper.from_array(np.float32(2.5), "scale.s")
    empty = numpy_helper.from_array(np.zeros((0, 3), np.float32), "none.e")
    save("odd-shapes.onnx", [], [scalar, empty], {"scale.s": told(np.float32(2.5)), "none.e": told(np.zeros((0, 3)))})
    constant = numpy_helper.from_array(RNG.standard_normal((4, 4)).astype("f4"), "ignored")
    save("constant.onnx", [helper.make_node("Constant", [], ["w.c"], value=constant)], [],
         {"w.c": told(numpy_helper.to_array(constant))})


def dequantised(values, scale, zero, axis, block):
    """By ONNX's own evaluator; in F32, for scales of other types round what they give to themselves."""
    def run(of):
        inputs = [numpy_helper.from_array(values, "x") if isinstance(values, np.ndarray) else values]
        inputs.append(numpy_helper.from_array(of, "s"))
        if zero is not None:
            inputs.append(zero)
        node = helper.make_node("DequantizeLinear", [i.name for i in inputs], ["y"], axis=axis, block_size=block)
        graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(of.dtype), None)], inputs)
        return ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])).run(None, {})[0]
    return run(scale.astype(np.float32))


def drawn():
    draw = random.Random(3)
    codes = [T.INT8, T.UINT8, T.INT4, T.UINT4, T.INT16, T.UINT16, T.INT32, T.FLOAT8E4M3FN, T.FLOAT8E5M2]
    floats = [np.float32, np.float16, ml_dtypes.bfloat16]
    for i in range(DRAWN):
        shape = [draw.randint(1, 9) for _ in range(draw.randint(1, 4))]
        axis = draw.randrange(len(shape))
        kind = draw.choice(["tensor", "axis", "block"])
        code = draw.choice(codes)
        block = draw.randint(1, shape[axis] + 2) if kind == "block" else 0
        groups = [-(-size // block) if i == axis else size for i, size in enumerate(shape)] if block else [shape[axis]] if kind == "axis" else []
        if kind == "block" and shape[axis] % block:
            # The evaluator repeats whole blocks.
            block = 1
            groups = shape
        kind_of = helper.tensor_dtype_to_np_dtype(code)
        if code in (T.FLOAT8E4M3FN, T.FLOAT8E5M2):
            make = lambda shape: (RNG.standard_normal(shape) * 4).astype(kind_of)
        else:
            low, high = (ml_dtypes.iinfo if code in (T.INT4, T.UINT4) else np.iinfo)(kind_of).min, (ml_dtypes.iinfo if code in (T.INT4, T.UINT4) else np.iinfo)(kind_of).max
            make = lambda shape: RNG.integers(int(max(low, -2**20)), int(min(high, 2**20)) + 1, shape).astype(kind_of)
        values = np.asarray(make(shape), dtype=kind_of)
        scale = np.asarray(RNG.uniform(0.001, 2, groups)).astype(draw.choice(floats))
        hasZero = draw.random() < 0.6 and code not in (T.FLOAT8E4M3FN, T.FLOAT8E5M2, T.INT32)
        zeros = np.asarray(make(groups), dtype=kind_of) if hasZero else None
        zero = None if zeros is None else (helper.make_tensor("z", code, zeros.shape, zeros) if draw.random() < 0.5 else numpy_helper.from_array(zeros, "z"))
        expected = dequantised(values, scale, zero, axis, block)
        inputs = [numpy_helper.from_array(values, "a.weight_quantized"), numpy_helper.from_array(scale, "s")] + ([zero] if zero else [])
        node = helper.make_node("DequantizeLinear", [i.name for i in inputs], ["y"], axis=axis - (len(shape) if draw.random() < 0.3 else 0), block_size=block)
        user = helper.make_node("Relu", ["y"], ["out"])
        save(f"drawn-{i}/model.onnx", [node, user], inputs, {"a.weight": told(np.asarray(expected), scheme=T.DataType.Name(code))},
             external="one" if draw.random() < 0.2 else False, absent=["s", "z"])


def torch_models():
    import torch
    from torch import nn
    from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(5)
    ids = torch.randint(0, 90, (1, 8))

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(24, 24, bias=bias) for bias in (True, False, True))
            self.o_proj = nn.Linear(24, 24, bias=False)

        def forward(self, x):
            scores = torch.softmax(self.q_proj(x) @ self.k_proj(x).transpose(1, 2), -1)
            return self.o_proj(scores @ self.v_proj(x))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(24)
            self.self_attn = Attention()
            self.up_proj, self.down_proj = nn.Linear(24, 40, bias=False), nn.Linear(40, 24)

        def forward(self, x):
            x = x + self.self_attn(self.norm(x))
            return x + self.down_proj(torch.relu(self.up_proj(x)))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed_tokens = nn.Embedding(100, 24)
            self.layers = nn.ModuleList(Block() for _ in range(2))
            self.lm_head = nn.Linear(24, 100, bias=False)

        def forward(self, ids):
            x = self.embed_tokens(ids)
            for layer in self.layers:
                x = layer(x)
            return self.lm_head(x)

    def shaken(model):
        # Parameters that are equal, as all ones, are stored once and under one name.
        for parameter in model.parameters():
            parameter.data += 0.01 * torch.randn_like(parameter)
        return model.eval()

    models = {
        "net": (shaken(Net()), False),
        "llama": (shaken(LlamaForCausalLM(LlamaConfig(vocab_size=100, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                  num_attention_heads=4, num_key_value_heads=2, use_cache=False))), True),
        "bert": (shaken(BertModel(BertConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48))), True),
        "gpt2": (shaken(GPT2LMHeadModel(GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, use_cache=False, tie_word_embeddings=False))), True),
    }
    for name, (model, dynamo_only) in models.items():
        for dynamo in [True] if dynamo_only else [True, False]:
            file = f"torch-{name}-{'dynamo' if dynamo else 'script'}/model.onnx"
            (OUT / file).parent.mkdir()
            sys.stdout.flush()
            torch.onnx.export(model, (ids,), str(OUT / file), input_names=["ids"], dynamo=dynamo, opset_version=18, verbose=False)
            exported(file, model)
            yield OUT / file, model


def exported(file, model):
    """Every parameter under its name; matrices as the file has them, which is found by their values."""
    stored = onnx.load(OUT / file)
    names = {init.name for init in stored.graph.initializer}
    by_shape = {}
    for init in stored.graph.initializer:
        values = numpy_helper.to_array(init)
        by_shape.setdefault((values.shape, values.tobytes()), init.name)
    expected, renamed = {}, 0
    for name, parameter in model.named_parameters():
        values = parameter.detach().numpy()
        turned = np.ascontiguousarray(values.T)
        is_turned = values.ndim == 2 and (values.shape, values.tobytes()) not in by_shape
        assert not is_turned or (turned.shape, turned.tobytes()) in by_shape, name
        expected[name] = told(turned if is_turned else values, in_out=is_turned)
        renamed += name not in names
    case(file, expected, renamed=renamed)


def quantised(path, model):
    """The net as onnxruntime quantises it, held against what its scales say and against the weights before."""
    from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType, quant_pre_process, quantize_dynamic,
                                          quantize_static)
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = 3

        def get_next(self):
            self.left -= 1
            return None if self.left < 0 else {"ids": RNG.integers(0, 90, (1, 8))}

    weights = {name: parameter.detach().numpy() for name, parameter in model.named_parameters() if parameter.ndim == 2}
    for per_channel in [False, True]:
        for kind in [QuantType.QInt8, QuantType.QUInt8]:
            if per_channel and kind == QuantType.QUInt8:
                continue
            file = OUT / f"dynamic-{per_channel}-{kind.name}.onnx"
            quantize_dynamic(path, file, weight_type=kind, per_channel=per_channel)
            by_scales(file, weights)
    for format in [QuantFormat.QDQ, QuantFormat.QOperator]:
        for per_channel in [False, True]:
            file = OUT / f"static-{format.name}-{per_channel}.onnx"
            quantize_static(path, file, Reader(), quant_format=format, weight_type=QuantType.QInt8, per_channel=per_channel)
            by_scales(file, weights)
    for kind in [QuantType.QInt4, QuantType.QUInt4, QuantType.QInt16]:
        file = OUT / f"static-{kind.name}.onnx"
        quantize_static(path, file, Reader(), quant_format=QuantFormat.QDQ, weight_type=kind, activation_type=QuantType.QUInt16)
        by_scales(file, weights)
    for bits in [4, 8]:
        for symmetric in [True, False]:
            for block in [16, 32]:
                for format in [QuantFormat.QOperator, QuantFormat.QDQ]:
                    if bits == 8 and format == QuantFormat.QDQ:
                        continue
                    config = DefaultWeightOnlyQuantConfig(block_size=block, is_symmetric=symmetric, bits=bits, quant_format=format)
                    quantiser = MatMulNBitsQuantizer(onnx.load(path), algo_config=config)
                    quantiser.process()
                    file = OUT / f"nbits-{bits}-{symmetric}-{block}-{format.name}.onnx"
                    quantiser.model.save_model_to_file(str(file))
                    by_scales(file, weights)


def identity(node, model, size):
    """What a MatMulNBits multiplies with, as onnxruntime computes it: its product with the identity."""
    import onnxruntime
    inits = {i.name: i for i in model.graph.initializer}
    own = [inits[name] for name in node.input[1:] if name]
    inner = onnx.NodeProto()
    inner.CopyFrom(node)
    inner.input[0], inner.output[0] = "a", "y"
    graph = helper.make_graph([inner], "g", [helper.make_tensor_value_info("a", T.FLOAT, [size, size])],
                              [helper.make_tensor_value_info("y", T.FLOAT, None)], own)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    return session.run(None, {"a": np.eye(size, dtype=np.float32)})[0].T


def by_blocks(attributes, codes, scale, zero=None):
    """The weights of a MatMulNBits by the words of its documentation."""
    size, width, bits, block = (attributes[key] for key in ("N", "K", "bits", "block_size"))
    blocks = -(-width // block)

    def unpacked(packed, count):
        rows = packed.reshape(size, -1)
        return rows[:, :count] if bits == 8 else np.stack([rows & 15, rows >> 4], -1).reshape(size, -1)[:, :count]

    zero = np.full((size, blocks), 2 ** (bits - 1)) if zero is None else unpacked(zero, blocks)
    codes = unpacked(codes, blocks * block).reshape(size, blocks, block).astype(np.float32)
    return ((codes - zero[..., None].astype(np.float32)) * scale.reshape(size, blocks, 1)).reshape(size, -1)[:, :width]


def by_scales(file, weights):
    model = onnx.load(file)
    inits = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    constants = {n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in model.graph.node if n.op_type == "Constant"}
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in inits:
            inits[node.output[0]] = inits[node.input[0]]
    inits = {**constants, **inits}
    values = {}
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        ins = list(node.input)
        if node.op_type == "MatMulNBits":
            values[ins[1]] = by_blocks(attributes, *(inits[name] for name in ins[1:]))
            # A product has no zeros below zero.
            assert np.array_equal(values[ins[1]], identity(node, model, attributes["K"]))
        elif node.op_type == "DequantizeLinear" and ins[0] in inits and inits[ins[0]].ndim == 2:
            zero = inits[ins[2]] if len(ins) > 2 and ins[2] else None
            values[ins[0]] = dequantised(inits[ins[0]], inits[ins[1]], None if zero is None else numpy_helper.from_array(zero, "z"),
                                         attributes.get("axis", 1), attributes.get("block_size", 0))
        elif node.op_type in ("MatMulInteger", "QLinearMatMul", "QGemm"):
            at = 1 if node.op_type == "MatMulInteger" else 3
            name = ins[at]
            if name not in inits:
                continue
            base = name.removesuffix("_quantized")
            scale, zero = inits[base + "_scale"], inits[base + "_zero_point"]
            values[name] = (inits[name].astype(np.float32) - zero.astype(np.float32)) * scale
        elif node.op_type == "Gather" and ins[0].endswith("_quantized"):
            base = ins[0].removesuffix("_quantized")
            values[ins[0]] = (inits[ins[0]].astype(np.float32) - inits[base + "_zero_point"].astype(np.float32)) * inits[base + "_scale"]
    expected, renamed = {}, 0
    for name, before in weights.items():
        fits = []
        for stored, found in values.items():
            for in_out, one in ((False, found), (True, found.T)):
                if one.shape == before.shape and np.corrcoef(one.ravel(), before.ravel())[0, 1] > 0.9:
                    fits.append((stored, in_out))
        assert len(fits) <= 1, (file, name, fits)
        if fits:
            stored, in_out = fits[0]
            # As [out, in] a name that was kept promises what is there.
            expected[name] = told(values[stored], in_out=in_out, scheme="")
            renamed += stored not in (name, name + "_quantized")
    assert len(expected) >= 5, (file, list(expected))
    case(file.name, expected, renamed=renamed)


types()
drawn()
for path, model in torch_models():
    if path.parent.name == "torch-net-script":
        quantised(path, model)
(OUT / "cases.json").write_text(json.dumps(CASES))
