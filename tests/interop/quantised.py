"""Linears packed by the libraries that define each layout, with the values that these libraries read out of them.

    quantised.py DIRECTORY

Writes DIRECTORY/NAME/model.safetensors for each layout, config.json where the layout needs one, and beside it NAME.expected.safetensors
with the values in f32, [out, in].
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(sys.argv[1])
SHAPES = {"a": (96, 256), "b": (256, 192)}


def linears(seed, shapes=SHAPES):
    generator = torch.Generator().manual_seed(seed)
    return {f"model.layers.0.{name}": 0.05 * torch.randn(*shape, generator=generator) for name, shape in shapes.items()}


def write(name, tensors, expected, config=None, metadata=None):
    directory = ROOT / name
    directory.mkdir()
    save_file({key: value.contiguous() for key, value in tensors.items()}, directory / "model.safetensors", metadata=metadata)
    if config is not None:
        (directory / "config.json").write_text(json.dumps(config))
    save_file({key: value.float().contiguous() for key, value in expected.items()}, ROOT / f"{name}.expected.safetensors")


def bitsandbytes():
    import bitsandbytes.functional as bnb

    for kind in ["nf4", "fp4"]:
        for nested in [False, True]:
            for blocksize in [64, 128]:
                tensors, expected = {}, {}
                # Rows of whole blocks: the CPU kernel of 0.50 reads others wrongly.
                for module, weight in linears(1, {"a": (96, 256), "b": (256, 128)}).items():
                    codes, state = bnb.quantize_4bit(weight, blocksize=blocksize, quant_type=kind, compress_statistics=nested)
                    tensors[f"{module}.weight"] = codes
                    for key, value in state.as_dict(packed=True).items():
                        tensors[f"{module}.weight.{key}"] = value
                    expected[f"{module}.weight"] = bnb.dequantize_4bit(codes, state)
                write(f"bitsandbytes-{kind}-{blocksize}{'-nested' if nested else ''}", tensors, expected)
    tensors, expected = {}, {}
    for module, weight in linears(2).items():
        codes, scb, _ = bnb.int8_vectorwise_quant(weight.half())
        tensors |= {f"{module}.weight": codes, f"{module}.SCB": scb, f"{module}.weight_format": torch.tensor(0, dtype=torch.uint8)}
        expected[f"{module}.weight"] = bnb.int8_vectorwise_dequant(codes, scb)
    write("bitsandbytes-int8", tensors, expected)


def compressed_tensors():
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams

    def one(name, form, args, weight_of=lambda weight: weight):
        scheme = QuantizationScheme(targets=["Linear"], weights=args)
        compressor = BaseCompressor.get_value_from_registry(form)
        tensors, expected = {}, {}
        for module, weight in linears(3).items():
            weight = weight_of(weight)
            size = {"group": args.group_size, "tensor_group": args.group_size, "channel": weight.shape[1]}.get(args.strategy)
            if args.strategy == "tensor":
                low, high = weight.min().reshape(1), weight.max().reshape(1)
            elif args.strategy == "block":
                height, width = args.block_structure
                blocks = weight.reshape(weight.shape[0] // height, height, weight.shape[1] // width, width)
                low, high = blocks.amin((1, 3)), blocks.amax((1, 3))
            else:
                groups = weight.reshape(weight.shape[0], -1, size)
                low, high = groups.amin(-1), groups.amax(-1)
            extra = {}
            if args.strategy == "tensor_group":
                extra["weight_global_scale"] = (448 * 6 / weight.abs().max()).reshape(1)
                scale, zero = calculate_qparams(low, high, args, global_scale=extra["weight_global_scale"])
            else:
                scale, zero = calculate_qparams(low, high, args)
            state = {"weight": weight, "weight_scale": scale, "weight_zero_point": zero, **extra}
            packed = compressor.compress(state, scheme)
            expected[f"{module}.weight"] = compressor.decompress(packed, scheme)["weight"]
            tensors |= {f"{module}.{key}": value for key, value in packed.items()}
        write(f"compressed-tensors-{name}", tensors, expected)

    for bits in [2, 3, 4, 5, 6, 7, 8]:
        for symmetric in [True, False]:
            grain = {"strategy": "group", "group_size": 32} if bits != 8 else {"strategy": "channel"}
            args = QuantizationArgs(num_bits=bits, type="int", symmetric=symmetric, **grain)
            one(f"int{bits}{'' if symmetric else '-asymmetric'}", "pack-quantized", args)
    one("int8-naive", "int-quantized", QuantizationArgs(num_bits=8, type="int", strategy="channel"))
    one("int8-zeros", "int-quantized", QuantizationArgs(num_bits=8, type="int", symmetric=False, strategy="group", group_size=64))
    one("fp8-tensor", "float-quantized", QuantizationArgs(num_bits=8, type="float", strategy="tensor"))
    one("fp8-channel", "float-quantized", QuantizationArgs(num_bits=8, type="float", strategy="channel"))
    one("fp8-block", "float-quantized", QuantizationArgs(num_bits=8, type="float", strategy="block", block_structure=[32, 64]))
    one("nvfp4", "nvfp4-pack-quantized", QuantizationArgs(num_bits=4, type="float", strategy="tensor_group", group_size=16))
    micro = {"strategy": "group", "group_size": 32, "scale_dtype": torch.uint8, "zp_dtype": torch.uint8}
    one("mxfp4", "mxfp4-pack-quantized", QuantizationArgs(num_bits=4, type="float", **micro))
    one("mxfp8", "mxfp8-quantized", QuantizationArgs(num_bits=8, type="float", **micro))


def mlx():
    import mlx.core as mx

    for bits in [2, 3, 4, 5, 6, 8]:
        for size in [32, 64]:
            tensors, expected = {"model.norm.weight": torch.ones(256), "model.other.weight": torch.ones(192)}, {}
            for module, weight in linears(4).items():
                parts = mx.quantize(mx.array(weight.numpy()), group_size=size, bits=bits)
                for key, part in zip(["weight", "scales", "biases"], parts):
                    tensors[f"{module}.{key}"] = torch.from_numpy(np.array(part))
                values = mx.dequantize(*parts, group_size=size, bits=bits)
                expected[f"{module}.weight"] = torch.from_numpy(np.array(values))
            write(f"mlx-{bits}-{size}", tensors, expected, {"quantization": {"bits": bits, "group_size": size}})
    for mode in ["mxfp4", "nvfp4"]:
        tensors, expected = {}, {}
        for module, weight in linears(5).items():
            codes, scales = mx.quantize(mx.array(weight.numpy()), mode=mode)
            tensors[f"{module}.weight"] = torch.from_numpy(np.array(codes))
            tensors[f"{module}.scales"] = torch.from_numpy(np.array(scales))
            expected[f"{module}.weight"] = torch.from_numpy(np.array(mx.dequantize(codes, scales, mode=mode).astype(mx.float32)))
        write(f"mlx-{mode}", tensors, expected)


def hqq():
    from hqq.core.quantize import Quantizer

    for bits in [1, 2, 3, 4, 8]:
        for axis in [0, 1]:
            tensors, expected = {}, {}
            for module, weight in linears(6).items():
                codes, meta = Quantizer.quantize(
                    weight, nbits=bits, group_size=64, axis=axis, device="cpu", compute_dtype=torch.float32, optimize=False
                )
                expected[f"{module}.weight"] = Quantizer.dequantize(codes, meta)
                tensors |= {
                    f"{module}.W_q": codes.data,
                    f"{module}.scale": meta["scale"],
                    f"{module}.zero": meta["zero"],
                    f"{module}.shape": torch.tensor(meta["shape"]),
                    f"{module}.nbits": torch.tensor(meta["nbits"], dtype=torch.int32),
                    f"{module}.axis": torch.tensor(meta["axis"], dtype=torch.int32),
                    f"{module}.group_size": torch.tensor(meta["group_size"], dtype=torch.int32),
                }
            write(f"hqq-{bits}-axis{axis}", tensors, expected)


def quanto():
    from optimum.quanto import QLinear, freeze, qfloat8, qint8

    for name, kind in {"qint8": qint8, "qfloat8": qfloat8}.items():
        tensors, expected = {}, {}
        for module, weight in linears(7).items():
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
            linear.weight.data = weight
            packed = QLinear.from_module(linear, weights=kind)
            freeze(packed)
            tensors |= {f"{module}.{key}": value for key, value in packed.state_dict().items()}
            expected[f"{module}.weight"] = packed.weight.dequantize()
        write(f"quanto-{name}", tensors, expected)


def torchao():
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

    for name, config in {"int8": Int8WeightOnlyConfig(version=2), "float8": Float8WeightOnlyConfig()}.items():
        state = {}
        for module, weight in linears(8).items():
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
            linear.weight.data = weight
            quantize_(linear, config)
            state[f"{module}.weight"] = linear.weight.data
        tensors, metadata = flatten_tensor_state_dict(state)
        write(f"torchao-{name}", tensors, {key: value.dequantize() for key, value in state.items()}, metadata=metadata)


def act_order(packed, module):
    """The same codes with inputs in an order of their own; the library's indices work for square matrices alone."""
    size = packed.outfeatures
    if module.endswith("b"):
        return
    packed.qweight = packed.qweight[: size // 8]
    order = torch.randperm(size, generator=torch.Generator().manual_seed(13)) // packed.group_size
    packed.register_buffer("g_idx", order.to(torch.int32))
    groups = size // packed.group_size
    packed.scales, packed.qzeros = packed.scales[:groups], packed.qzeros[:groups]
    tensors = {f"{module}.{key}": value for key, value in packed.state_dict().items()}
    write("gptq-4-act-order", tensors, {f"{module}.weight": packed(torch.eye(size).half()).float().t()})


def gptq():
    from auto_round_extension.torch import qlinear_torch, qlinear_torch_zp

    for name, library, less in [("gptq", qlinear_torch_zp, True), ("gptq-v2", qlinear_torch, False)]:
        for bits in [2, 3, 4, 8]:
            for symmetric in [True, False]:
                tensors, expected = {}, {}
                for module, weight in linears(9).items():
                    out, size = weight.shape[0], 32
                    groups = weight.reshape(out, -1, size)
                    top = 2**bits - 1
                    if symmetric:
                        scale = 2 * groups.abs().amax(-1) / top
                        zero = torch.full_like(scale, 2 ** (bits - 1))
                    else:
                        low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
                        scale = (high - low) / top
                        zero = (-low / scale).round().clamp(1, top)
                    scale = scale.half().float()
                    codes = ((groups / scale[..., None]).round() + zero[..., None]).clamp(0, top)
                    linear = torch.nn.Linear(weight.shape[1], out, bias=False)
                    linear.weight.data = ((codes - zero[..., None]) * scale[..., None]).reshape(weight.shape)
                    packed = library.QuantLinear(bits, size, weight.shape[1], out, bias=False)
                    packed.device = "cpu"
                    packed.pack(linear, scale, zero.to(torch.int32), None)
                    tensors |= {f"{module}.{key}": value for key, value in packed.state_dict().items()}
                    tensors[f"{module}.g_idx"] = torch.arange(weight.shape[1], dtype=torch.int32) // size
                    # What the library computes of unit vectors is what it thinks the weights are.
                    expected[f"{module}.weight"] = packed(torch.eye(weight.shape[1]).half()).float().t()
                    if bits == 4 and symmetric and less:
                        act_order(packed, module)
                config = {"quantization_config": {"quant_method": "gptq", **({} if less else {"checkpoint_format": "gptq_v2"})}}
                # With up to 4 bits, and zero points that are all alike, weights tell by themselves.
                needed = bits == 8 and not symmetric
                write(f"{name}-{bits}{'' if symmetric else '-asymmetric'}", tensors, expected, config if needed else None)


def awq():
    from auto_round.export.export_to_awq.utils import WQLinear_GEMM, dequantize_gemm

    tensors, expected = {}, {}
    for module, weight in linears(10).items():
        out, size = weight.shape[0], 32
        groups = weight.reshape(out, -1, size)
        low, high = groups.amin(-1), groups.amax(-1)
        scale = ((high - low) / 15).half().float()
        zero = (-low / scale).round().clamp(0, 15)
        linear = torch.nn.Linear(weight.shape[1], out, bias=False)
        codes = ((groups / scale[..., None]).round() + zero[..., None]).clamp(0, 15)
        linear.weight.data = ((codes - zero[..., None]) * scale[..., None]).reshape(weight.shape)
        packed = WQLinear_GEMM.from_linear(linear, 4, size, scales=scale.t().contiguous(), zeros=zero.t().contiguous())
        tensors |= {f"{module}.{key}": value for key, value in packed.state_dict().items()}
        values = dequantize_gemm(packed.qweight, packed.qzeros, packed.scales, 4, size)
        expected[f"{module}.weight"] = values.float().t()
    write("awq", tensors, expected)


def gpt_oss():
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    generator = torch.Generator().manual_seed(11)
    tensors, expected = {}, {}
    for name, rows in {"gate_up_proj": 128, "down_proj": 64}.items():
        blocks = torch.randint(0, 256, (3, rows, 2, 16), generator=generator, dtype=torch.uint8)
        scales = torch.randint(115, 125, (3, rows, 2), generator=generator, dtype=torch.uint8)
        module = f"model.layers.0.mlp.experts.{name}"
        tensors |= {f"{module}_blocks": blocks, f"{module}_scales": scales}
        # transformers hands out [experts, in, out].
        expected[module] = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32).transpose(1, 2)
    write("gpt-oss-mxfp4", tensors, expected)


def deepseek():
    """A second reading in numpy of weight_dequant of DeepSeek-V3: its kernel needs a GPU."""
    tensors, expected = {}, {}
    for module, weight in linears(12, {"a": (300, 200), "b": (128, 520)}).items():
        scales = torch.rand(-(-weight.shape[0] // 128), -(-weight.shape[1] // 128)) / 448
        codes = (weight * 400).to(torch.float8_e4m3fn)
        tensors |= {f"{module}.weight": codes, f"{module}.weight_scale_inv": scales}
        spread = np.repeat(np.repeat(scales.numpy(), 128, 0), 128, 1)[: weight.shape[0], : weight.shape[1]]
        expected[f"{module}.weight"] = torch.from_numpy(codes.float().numpy() * spread)
    write("deepseek-fp8", tensors, expected)


for family in [bitsandbytes, compressed_tensors, mlx, hqq, quanto, torchao, gptq, awq, gpt_oss, deepseek]:
    try:
        family()
    except Exception as error:  # one library that cannot be used says nothing of the others
        import traceback

        traceback.print_exc()
        print(f"FAILED {family.__name__}: {error}", file=sys.stderr)
        (ROOT / f"{family.__name__}.failed").write_text(str(error))
