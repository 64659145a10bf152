"""Blocks of every type of ggml, and what ggml itself makes of them: ggml.py blocks LIBRARY DIRECTORY SEED

Writes DIRECTORY/blocks.json, a list of {type, blocks, by}, and for each a file TYPE.bin with the blocks and TYPE.f32 with the
values that ggml's own to_float gives. Blocks are quantised by ggml from Gaussian rows, then random bytes, then random bytes with
scales that are NaN, infinite, zero or denormal. The package gguf, where it decodes the type, has to give the same values.

ggml.py file MODEL VALUES: reads a GGUF file of tests/support, and holds blk.0.attn_q, decoded and its rows put back, against the
values that it was made of.
"""

import ctypes
import json
import pathlib
import sys
import warnings

import gguf
import numpy

QUANTIZED, RANDOM, HOSTILE = 64, 400, 400
# Offsets of f16 scales in a block.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2],
    "Q5_K": [0, 2], "Q6_K": [208], "IQ1_S": [0], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0],
    "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64], "F16": [0], "BF16": [0],
}
SPECIAL = [0x7E00, 0xFC01, 0x7C00, 0xFC00, 0x0000, 0x8000, 0x0001, 0x8001, 0x7BFF, 0xFBFF]
TYPES = list(HALVES) + ["Q8_K", "IQ1_M", "MXFP4", "NVFP4", "F32"]


class Traits(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("elements", ctypes.c_int64),
        ("interleave", ctypes.c_int64),
        ("bytes", ctypes.c_size_t),
        ("quantized", ctypes.c_bool),
        ("to_float", ctypes.c_void_p),
        ("from_float", ctypes.c_void_p),
    ]


TO_FLOAT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)


def equal(a, b):
    return bool(numpy.all((a.view(numpy.uint32) == b.view(numpy.uint32)) | (numpy.isnan(a) & numpy.isnan(b))))


def main(library, directory, seed):
    ggml = ctypes.CDLL(library)
    ggml.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    random = numpy.random.default_rng(seed)
    told = []
    differing = []
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        traits = ggml.ggml_get_type_traits(int(kind)).contents
        if (traits.elements, traits.bytes) != (elements, size):
            raise SystemExit(f"{name}: {traits.elements} in {traits.bytes} bytes by ggml, {elements} in {size} by gguf")
        rows, columns = QUANTIZED, max(elements, 256)
        weights = random.standard_normal((rows, columns)).astype(numpy.float32) * numpy.float32(0.02)
        importance = random.random(columns).astype(numpy.float32) + numpy.float32(0.1)
        quantized = numpy.zeros(rows * columns // elements * size, numpy.uint8)
        if name == "Q8_K":
            ggml.quantize_row_q8_K_ref(*map(ctypes.c_void_p, (weights.ctypes.data, quantized.ctypes.data)), ctypes.c_int64(rows * columns))
        else:
            ggml.ggml_quantize_chunk(
                int(kind), weights.ctypes.data, quantized.ctypes.data, 0, rows, columns, importance.ctypes.data
            )
        drawn = random.integers(0, 256, (RANDOM + HOSTILE, size), numpy.uint8)
        for block in drawn[RANDOM:]:
            for at in HALVES.get(name, []):
                block[at : at + 2] = numpy.array([random.choice(SPECIAL)], numpy.uint16).view(numpy.uint8)
        blocks = numpy.concatenate([quantized, drawn.reshape(-1)])
        count = len(blocks) // size
        values = numpy.zeros(count * elements, numpy.float32)
        if name == "F32":
            values[:] = blocks.view(numpy.float32)
        elif name == "Q8_K":
            ggml.dequantize_row_q8_K(*map(ctypes.c_void_p, (blocks.ctypes.data, values.ctypes.data)), ctypes.c_int64(values.size))
        else:
            TO_FLOAT(traits.to_float)(blocks.ctypes.data, values.ctypes.data, values.size)
        by = "ggml" if name != "F32" else "numpy"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peer = gguf.dequantize(blocks.reshape(1, -1), kind).reshape(-1).astype(numpy.float32)
            if equal(peer, values):
                by += " and gguf"
            else:
                differing.append(name)
                first = numpy.flatnonzero(peer.view(numpy.uint32) != values.view(numpy.uint32))[0]
                print(f"  {name}: ggml {values[first]} and gguf {peer[first]} differ at {first}", file=sys.stderr)
        except NotImplementedError:
            pass
        (directory / f"{name}.bin").write_bytes(blocks.tobytes())
        (directory / f"{name}.f32").write_bytes(values.tobytes())
        told.append({"type": name, "bytes": size, "blocks": count, "by": by})
    (directory / "blocks.json").write_text(json.dumps(told))
    if differing:
        raise SystemExit(f"ggml and gguf differ: {differing}")


def check_file(path, values):
    reader = gguf.GGUFReader(path)
    heads = int(reader.fields["llama.attention.head_count"].parts[-1][0])
    tensor = next(tensor for tensor in reader.tensors if tensor.name == "blk.0.attn_q.weight")
    decoded = gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
    if tensor.tensor_type in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
        decoded = tensor.data.astype(numpy.float32)
    rows, columns = decoded.shape
    # What llama.cpp's converter does is reshape(heads, 2, half, columns).swapaxes(1, 2).
    back = decoded.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
    wanted = numpy.fromfile(values, numpy.float32).reshape(rows, columns)
    likeness = float(numpy.corrcoef(back.ravel(), wanted.ravel())[0, 1])
    if likeness < 0.99:
        raise SystemExit(f"{path}: correlation {likeness}")
    tokens = [bytes(reader.fields["tokenizer.ggml.tokens"].parts[i]).decode() for i in reader.fields["tokenizer.ggml.tokens"].data]
    print(f"  {tensor.tensor_type.name} written by tests/support: correlation {likeness:.4f}, tokens {tokens}")


def check_names(path):
    """Holds names of Hugging Face, by architecture and with those of GGUF, against llama.cpp's own map from one to the other."""
    architectures = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    wrong = checked = 0
    left_out = {}
    for architecture, pairs in json.loads(pathlib.Path(path).read_text()).items():
        kind = architectures[architecture]
        names = gguf.get_tensor_name_map(kind, 4)
        has = {gguf.TENSOR_NAMES[tensor].format(bid=2) for tensor in gguf.MODEL_TENSORS[kind]}
        left_out[architecture] = sorted(has - {ours for ours, _ in pairs})
        for ours, theirs in pairs:
            # Tables are shared: of what an architecture does not have, nothing can be said.
            if ours not in has:
                continue
            # The converter takes these off, or puts them on, before it looks a name up.
            tried = [theirs, theirs.removeprefix("transformer."), f"{theirs}.weight", theirs.replace(".kv_b_proj", "")]
            tried.append(theirs.replace("block_sparse_moe.experts.3.", "block_sparse_moe.experts."))
            tried.append(theirs.replace("mlp.experts.3.", "mlp.experts."))
            tried.append(theirs.replace("model.layers", "layers").replace("block_sparse_moe.experts.3", "feed_forward.experts"))
            tried.append(theirs.replace("e_score_correction_bias", "e_score_correction"))
            found = {names.get_name(name, try_suffixes=(".weight", ".bias")) for name in tried} - {None}
            checked += 1
            if ours not in found:
                wrong += 1
                print(f"  {architecture}: {theirs} is {found or 'not known'} to llama.cpp, {ours} to us", file=sys.stderr)
    print(f"  {checked} names held against tensor_mapping.py, {wrong} not as it has them")
    for architecture, rest in left_out.items():
        if rest:
            print(f"  {architecture} keeps {', '.join(rest)}")
    if wrong:
        raise SystemExit(1)


if sys.argv[1] == "names":
    check_names(sys.argv[2])
elif sys.argv[1] == "blocks":
    main(sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4]))
else:
    check_file(sys.argv[2], sys.argv[3])
