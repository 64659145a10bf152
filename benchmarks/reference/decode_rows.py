"""
Decodes every matrix of a file once to f32, as a user of Python does it, and prints the seconds of processor time that took: the best of three
passes over a file that is in the cache. Blocks of ggml by gguf-py, the rest by
torch, on one thread.

    python decode_rows.py KIND FILE
"""

import sys
import time

KIND, PATH = sys.argv[1:]
NF4 = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
]  # fmt: skip


def ggml():
    from gguf import GGUFReader, dequantize

    tensors = GGUFReader(PATH).tensors
    return lambda: [dequantize(t.data, t.tensor_type) for t in tensors]


def safetensors(decode):
    from safetensors import safe_open

    def work():
        with safe_open(PATH, "pt") as file:
            names = [n for n in file.keys() if n.endswith((".qweight", ".weight"))]
            return [decode(file, name) for name in names]

    return work


def nf4(file, name):
    import bitsandbytes.functional as bnb
    import torch

    absmax = file.get_tensor(name + ".absmax")
    codes = file.get_tensor(name)
    rows = int(round((codes.numel() * 2) ** 0.5))
    state = bnb.QuantState(
        absmax, shape=torch.Size([rows, rows]), code=torch.tensor(NF4), blocksize=64, quant_type="nf4", dtype=torch.float32
    )
    return bnb.dequantize_4bit(codes, state)


def unpacked(words, axis, shifts):
    import torch

    wide = torch.bitwise_right_shift(words.unsqueeze(axis + 1), shifts)
    return torch.bitwise_and(wide, 15).to(torch.int8).flatten(axis, axis + 1)


def gptq(file, name):
    import torch

    stem = name.removesuffix("qweight")
    shifts = torch.arange(0, 32, 4, dtype=torch.int32)
    codes = unpacked(file.get_tensor(name), 0, shifts.view(1, -1, 1))
    zeros = unpacked(file.get_tensor(stem + "qzeros"), 1, shifts.view(1, 1, -1)) + 1
    scales, index = file.get_tensor(stem + "scales").float(), file.get_tensor(stem + "g_idx").long()
    return (scales[index] * (codes - zeros[index])).t().contiguous()


def awq(file, name):
    import torch

    stem = name.removesuffix("qweight")
    shifts = torch.tensor([0, 16, 4, 20, 8, 24, 12, 28], dtype=torch.int32).view(1, 1, -1)
    codes = unpacked(file.get_tensor(name), 1, shifts)
    zeros = unpacked(file.get_tensor(stem + "qzeros"), 1, shifts)
    scales = file.get_tensor(stem + "scales").float()
    size = codes.shape[0] // zeros.shape[0]
    return ((codes - zeros.repeat_interleave(size, 0)) * scales.repeat_interleave(size, 0)).t().contiguous()


def fp8(file, name):
    weight, scale = file.get_tensor(name).float(), file.get_tensor(name + "_scale_inv")
    return weight * scale.repeat_interleave(128, 0).repeat_interleave(128, 1)


def pickled():
    import torch

    def work():
        return [t + 0 for t in torch.load(PATH, weights_only=True, mmap=True).values()]

    return work


if not PATH.endswith(".gguf"):
    import torch

    torch.set_num_threads(1)
SAFETENSORS = {"NF4": nf4, "GPTQ int4": gptq, "AWQ int4": awq, "FP8 blocks": fp8}
if KIND in SAFETENSORS:
    work = safetensors(SAFETENSORS[KIND])
else:
    work = pickled() if KIND == "pickled f32" else ggml()
best = float("inf")
for _ in range(3):
    begun = time.process_time()
    made = work()
    best = min(best, time.process_time() - begun)
    del made
print(best)
