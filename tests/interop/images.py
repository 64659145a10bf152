"""Images of a small model by the tools that people quantise with, for images.mjs.

    images.py models DIRECTORY               base, other and tuned: three Llamas in bf16
    images.py ggml LIBRARIES IN OUT NUMBER   a GGUF file quantised by llama.cpp as `general.file_type` NUMBER
    images.py steered LIBRARIES DIRECTORY    NAME.f32 (rows of 256) quantised with a drawn importance matrix, to NAME.TYPE
    images.py rounded LIBRARIES DIRECTORY    drawn rows of 256 to values.f32, and what each type makes of them to TYPE.f32
    images.py packed MODEL DIRECTORY [NAME]...  layouts of safetensors, a folder for each; those named alone
    images.py onnx PLAIN DIRECTORY           ONNX with one scale for each tensor, of both kinds of bytes
"""
import ctypes
import json
import sys
from pathlib import Path


def models(directory):
    import torch
    from safetensors.torch import save_file

    def llama(seed):
        generator = torch.Generator().manual_seed(seed)
        draw = lambda *shape: torch.randn(*shape, generator=generator)

        def matrix(rows, cols):
            # Some strong directions in the place of training.
            strong = sum(torch.outer(draw(rows) / rows**0.5, draw(cols) / cols**0.5) for _ in range(4))
            return 0.05 * draw(rows, cols) + 5 * strong

        tensors = {"model.embed_tokens.weight": matrix(512, 256), "model.norm.weight": 1 + 0.1 * draw(256)}
        for layer in range(3):
            at = f"model.layers.{layer}"
            for name, rows, cols in [("q", 256, 256), ("k", 128, 256), ("v", 128, 256), ("o", 256, 256)]:
                tensors[f"{at}.self_attn.{name}_proj.weight"] = matrix(rows, cols)
            for name, rows, cols in [("gate", 512, 256), ("up", 512, 256), ("down", 256, 512)]:
                tensors[f"{at}.mlp.{name}_proj.weight"] = matrix(rows, cols)
            for name in ["input_layernorm", "post_attention_layernorm"]:
                tensors[f"{at}.{name}.weight"] = 1 + 0.1 * draw(256)
        return tensors

    base, other = llama(1), llama(2)
    generator = torch.Generator().manual_seed(3)
    # A light fine-tune: changes of a three-hundredth of what is there.
    tuned = {name: value + 3e-3 * value.std() * torch.randn(value.shape, generator=generator) for name, value in base.items()}
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 3,
        "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 512, "rms_norm_eps": 1e-6, "tie_word_embeddings": True,
    }
    for name, tensors in {"base": base, "other": other, "tuned": tuned}.items():
        folder = Path(directory) / name
        folder.mkdir()
        save_file({key: value.bfloat16().contiguous() for key, value in tensors.items()}, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(config))


class Params(ctypes.Structure):
    """The first fields of llama_model_quantize_params, and room for all others."""

    _fields_ = [("threads", ctypes.c_int32), ("type", ctypes.c_int32), ("rest", ctypes.c_uint8 * 504)]


def ggml(libraries, source, target, number):
    for name in ["libggml-base", "libggml-cpu-x64", "libggml", "libllama"]:
        [path] = [path for path in Path(libraries).glob(f"{name}.*") if path.name.startswith(f"{name}.")]
        library = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    silent = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    library.llama_log_set(silent, None)
    library.llama_model_quantize_default_params.restype = Params
    params = library.llama_model_quantize_default_params()
    params.threads, params.type = 1, int(number)
    library.llama_model_quantize.restype = ctypes.c_uint32
    if library.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params)) != 0:
        raise SystemExit(f"llama.cpp did not quantise {source}")


class Traits(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("elements", ctypes.c_int64), ("interleave", ctypes.c_int64), ("bytes", ctypes.c_size_t),
        ("quantized", ctypes.c_bool), ("to_float", ctypes.c_void_p), ("from_float", ctypes.c_void_p),
    ]


def ggml_base(libraries):
    [path] = Path(libraries).glob("libggml-base.*")
    library = ctypes.CDLL(str(path))
    library.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    return library


TYPES = {
    "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20, "MXFP4": 39,
}


def rounded(libraries, directory):
    import numpy

    library = ggml_base(libraries)
    random = numpy.random.default_rng(5)
    rows = 1024
    values = (0.02 * random.standard_normal((rows, 256))).astype(numpy.float32)
    values[1::8] *= random.standard_t(3, size=values[1::8].shape).astype(numpy.float32)
    values[2::8] = (values[2::8].view(numpy.uint32) & 0xFFFF0000).view(numpy.float32)
    values[3::8] = numpy.abs(values[3::8])
    values[4::8] = -numpy.abs(values[4::8])
    values[5::8, :100] = 0
    # Ties, and sizes at which scales run out of exponents.
    values[6::8] = numpy.round(values[6::8] * 256) / 256
    values[7::8] *= numpy.float32(1e-4)
    values[15::16] = 0.5
    values.tofile(Path(directory) / "values.f32")
    for name, kind in TYPES.items():
        traits = library.ggml_get_type_traits(kind).contents
        blocks = numpy.zeros(values.size // traits.elements * traits.bytes, numpy.uint8)
        library.ggml_quantize_chunk(kind, values.ctypes.data, blocks.ctypes.data, 0, rows, 256, None)
        out = numpy.zeros(values.size, numpy.float32)
        to_float = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(traits.to_float)
        to_float(blocks.ctypes.data, out.ctypes.data, out.size)
        out.tofile(Path(directory) / f"{name}.f32")


def steered(libraries, directory):
    import numpy

    library = ggml_base(libraries)
    random = numpy.random.default_rng(4)
    for file in sorted(Path(directory).glob("*.f32")):
        values = numpy.fromfile(file, numpy.float32)
        importance = (random.random(256) ** 4 + 0.01).astype(numpy.float32)
        for name, kind, elements, size in [("Q4_0", 2, 32, 18), ("Q4_K", 12, 256, 144)]:
            blocks = numpy.zeros(len(values) // elements * size, numpy.uint8)
            library.ggml_quantize_chunk(
                kind, values.ctypes.data, blocks.ctypes.data, 0, len(values) // 256, 256, importance.ctypes.data
            )
            blocks.tofile(file.with_suffix(f".{name}"))


def packed(model, directory, *names):
    import torch
    from safetensors.torch import load_file, save_file

    plain = load_file(Path(model) / "model.safetensors")
    isLinear = lambda name, value: value.ndim == 2 and "embed" not in name

    isWanted = lambda name: not names or name in names

    def write(name, pack, dtype=torch.float32, metadata=None):
        if not isWanted(name):
            return
        tensors = {}
        for key, value in plain.items():
            if not isLinear(key, value):
                tensors[key] = value
                continue
            parts = pack(value.to(dtype))
            module = key.removesuffix(".weight")
            tensors |= {f"{module}.{ending}": part.contiguous() for ending, part in parts.items()}
        folder = Path(directory) / name
        folder.mkdir()
        save_file(tensors, folder / "model.safetensors", metadata=metadata)

    import bitsandbytes.functional as bnb

    def four(kind, nested):
        def pack(weight):
            codes, state = bnb.quantize_4bit(weight, blocksize=64, quant_type=kind, compress_statistics=nested)
            return {"weight": codes} | {f"weight.{key}": value for key, value in state.as_dict(packed=True).items()}

        return pack

    for kind in ["nf4", "fp4"]:
        write(f"bitsandbytes-{kind}", four(kind, False))
        write(f"bitsandbytes-{kind}-nested", four(kind, True), torch.bfloat16)

    def eight(weight):
        codes, scb, _ = bnb.int8_vectorwise_quant(weight)
        return {"weight": codes, "SCB": scb, "weight_format": torch.tensor(0, dtype=torch.uint8)}

    write("bitsandbytes-int8", eight, torch.float16)

    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams

    def compressed(form, args):
        compressor = BaseCompressor.get_value_from_registry(form)

        def pack(weight):
            if args.strategy == "tensor":
                low, high = weight.min().reshape(1), weight.max().reshape(1)
            elif args.strategy == "block":
                blocks = weight.reshape(weight.shape[0] // 128, 128, weight.shape[1] // 128, 128)
                low, high = blocks.amin((1, 3)), blocks.amax((1, 3))
            else:
                groups = weight.reshape(weight.shape[0], -1, args.group_size or weight.shape[1])
                low, high = groups.amin(-1), groups.amax(-1)
            scale, zero = calculate_qparams(low, high, args)
            state = {"weight": weight, "weight_scale": scale, "weight_zero_point": zero}
            return compressor.compress(state, QuantizationScheme(targets=["Linear"], weights=args))

        return pack

    integers = lambda bits, **grain: QuantizationArgs(num_bits=bits, type="int", **grain)
    floats = lambda **grain: QuantizationArgs(num_bits=8, type="float", **grain)
    for name, dtype in {"": torch.float32, "-in-bf16": torch.bfloat16}.items():
        write(f"compressed-tensors-int8{name}", compressed("int-quantized", integers(8, strategy="channel")), dtype)
        write(f"compressed-tensors-fp8-channel{name}", compressed("float-quantized", floats(strategy="channel")), dtype)
        groups = integers(4, strategy="group", group_size=32, symmetric=False)
        write(f"compressed-tensors-int4{name}", compressed("pack-quantized", groups), dtype)
    write("compressed-tensors-fp8-tensor", compressed("float-quantized", floats(strategy="tensor")))
    write("compressed-tensors-fp8-block", compressed("float-quantized", floats(strategy="block", block_structure=[128, 128])))

    from auto_round.export.export_to_awq.utils import WQLinear_GEMM
    from auto_round_extension.torch import qlinear_torch, qlinear_torch_zp

    def nearest(weight, size, symmetric):
        """Scales in f16 and zero points of 4 bits, [out, groups], and the values of the nearest codes, as GPTQ does without data."""
        groups = weight.reshape(len(weight), -1, size)
        if symmetric:
            scale, zero = 2 * groups.abs().amax(-1) / 15, torch.full(groups.shape[:2], 8.0)
        else:
            low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
            scale = (high - low) / 15
            zero = (-low / scale).round().clamp(1, 15)
        scale = scale.half().float()
        codes = ((groups / scale[..., None]).round() + zero[..., None]).clamp(0, 15)
        linear = torch.nn.Linear(weight.shape[1], len(weight), bias=False)
        linear.weight.data = ((codes - zero[..., None]) * scale[..., None]).reshape(weight.shape)
        return linear, scale, zero

    generator = torch.Generator().manual_seed(6)

    def compensated(weight, size, symmetric):
        """What GPTQ does with data: each column's error is made good by those behind it (Frantar 2023, algorithm 1)."""
        count = weight.shape[1]
        inputs = torch.randn(4 * count, count, generator=generator) @ torch.randn(count, count, generator=generator)
        hessian = inputs.t() @ inputs
        hessian += 0.01 * hessian.diagonal().mean() * torch.eye(count)
        steps = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(hessian)), upper=True)
        rest, linear = weight.clone(), torch.nn.Linear(count, len(weight), bias=False)
        sides = []
        for j in range(count):
            if j % size == 0:
                _, scale, zero = nearest(rest[:, j : j + size], size, symmetric)
                sides.append((scale, zero))
            codes = (rest[:, j] / scale[:, 0]).round() + zero[:, 0]
            value = (codes.clamp(0, 15) - zero[:, 0]) * scale[:, 0]
            rest[:, j:] -= torch.outer((rest[:, j] - value) / steps[j, j], steps[j, j:])
            linear.weight.data[:, j] = value
        return linear, *(torch.cat(side, 1) for side in zip(*sides))

    def gptq(library, size, symmetric, rounded=nearest):
        def pack(weight):
            linear, scale, zero = rounded(weight, size, symmetric)
            module = library.QuantLinear(4, size, linear.in_features, linear.out_features, bias=False)
            module.device = "cpu"
            module.pack(linear, scale, zero.to(torch.int32), None)
            return module.state_dict() | {"g_idx": torch.arange(linear.in_features, dtype=torch.int32) // size}

        return pack

    def awq(weight):
        linear, scale, zero = nearest(weight, 32, False)
        sides = {"scales": scale.t().contiguous(), "zeros": zero.t().contiguous()}
        return WQLinear_GEMM.from_linear(linear, 4, 32, **sides).state_dict()

    write("gptq-4", gptq(qlinear_torch_zp, 64, True))
    write("gptq-4-asymmetric", gptq(qlinear_torch_zp, 32, False))
    write("gptq-4-v2", gptq(qlinear_torch, 64, True))
    write("gptq-4-compensated", gptq(qlinear_torch_zp, 64, True, compensated))
    write("awq-4", awq)

    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

    for name, config in {"int8": Int8WeightOnlyConfig(version=2), "float8": Float8WeightOnlyConfig()}.items():
        if not isWanted(f"torchao-{name}"):
            continue
        state = {key: value for key, value in plain.items() if not isLinear(key, value)}
        for key, value in plain.items():
            if isLinear(key, value):
                linear = torch.nn.Linear(value.shape[1], value.shape[0], bias=False, dtype=torch.bfloat16)
                linear.weight.data = value
                quantize_(linear, config)
                state[key] = linear.weight.data
        tensors, metadata = flatten_tensor_state_dict(state)
        folder = Path(directory) / f"torchao-{name}"
        folder.mkdir()
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "model.safetensors", metadata=metadata)

    from hqq.core.quantize import Quantizer

    def halves(weight):
        codes, meta = Quantizer.quantize(
            weight, nbits=4, group_size=64, axis=1, device="cpu", compute_dtype=torch.float32, optimize=False
        )
        whole = {key: torch.tensor(meta[key], dtype=torch.int32) for key in ["shape", "nbits", "axis", "group_size"]}
        return {"W_q": codes.data, "scale": meta["scale"], "zero": meta["zero"], **whole}

    write("hqq-4", halves)


def onnx(plain, directory):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    for name, kind in {"int8-tensor": QuantType.QInt8, "uint8-tensor": QuantType.QUInt8}.items():
        (Path(directory) / name).mkdir()
        quantize_dynamic(plain, Path(directory) / name / "model.onnx", weight_type=kind)


{"models": models, "ggml": ggml, "steered": steered, "rounded": rounded, "packed": packed, "onnx": onnx}[sys.argv[1]](*sys.argv[2:])
