"""Writes a model of safetensors as ONNX in several forms, for onnx-lineage.mjs: onnx_lineage.py MODEL DIRECTORY"""

import json
import logging
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.quantization import quantize_dynamic

logging.disable(logging.CRITICAL)
model, out = Path(sys.argv[1]), Path(sys.argv[2])
data = (model / "model.safetensors").read_bytes()
size = struct.unpack("<Q", data[:8])[0]
weights = {}
for name, entry in json.loads(data[8 : 8 + size]).items():
    if name == "__metadata__":
        continue
    begin, end = entry["data_offsets"]
    assert entry["dtype"] == "BF16"
    bits = np.frombuffer(data[8 + size + begin : 8 + size + end], "<u2").astype("<u4") << 16
    weights[name] = bits.view("<f4").reshape(entry["shape"])


def build(cast):
    """As torch's exporter does: linears without names, turned, and used by nodes that are called after their modules."""
    tensors, nodes, inputs = [], [], []
    for i, (name, values) in enumerate(weights.items()):
        if values.ndim == 2 and "embed" not in name:
            stored = f"onnx::MatMul_{1000 + i}"
            module = name.removesuffix(".weight").split(".")
            path = "/".join([module[0], ".".join(module[1:3]), *module[3:]] if len(module) > 3 else module)
            kind = TensorProto.FLOAT if cast is np.float32 else TensorProto.FLOAT16
            inputs.append(helper.make_tensor_value_info(f"x{i}", kind, [1, values.shape[1]]))
            nodes.append(helper.make_node("MatMul", [f"x{i}", stored], [f"y{i}"], name=f"/{path}/MatMul"))
            tensors.append(numpy_helper.from_array(np.ascontiguousarray(values.T.astype(cast)), stored))
        else:
            # Used, for what is not is taken out by quantisers.
            kind = TensorProto.INT64 if values.ndim == 2 else TensorProto.FLOAT if cast is np.float32 else TensorProto.FLOAT16
            inputs.append(helper.make_tensor_value_info(f"x{i}", kind, [1] if values.ndim == 2 else [1, len(values)]))
            use = ("Gather", [name, f"x{i}"]) if values.ndim == 2 else ("Mul", [f"x{i}", name])
            nodes.append(helper.make_node(*use, [f"y{i}"], name=f"/{name.removesuffix('.weight').replace('.', '/')}/{use[0]}"))
            tensors.append(numpy_helper.from_array(values.astype(cast), name))
    kind = TensorProto.FLOAT if cast is np.float32 else TensorProto.FLOAT16
    outputs = [helper.make_tensor_value_info(node.output[0], kind, None) for node in nodes]
    graph = helper.make_graph(nodes, "main", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def place(name):
    (out / name).mkdir(parents=True)
    return out / name / "model.onnx"


plain = place("plain")
onnx.save(build(np.float32), plain)
onnx.save(build(np.float32), place("external"), save_as_external_data=True, location="model.onnx_data", size_threshold=0)
onnx.save(build(np.float16), place("half"))
quantize_dynamic(plain, place("int8"), per_channel=True)
for bits in (4, 8):
    config = DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=False, bits=bits)
    quantiser = MatMulNBitsQuantizer(onnx.load(plain), algo_config=config)
    quantiser.process()
    quantiser.model.save_model_to_file(str(place(f"nbits-{bits}")))
