"""Writes files of PyTorch and NumPy with what is in them, for arrays.mjs: arrays.py DIRECTORY"""

import argparse
import collections
import hashlib
import json
import random
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
OUT = Path(sys.argv[1])
CASES = []
NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.uint16: "U16",
    torch.uint32: "U32",
    torch.uint64: "U64",
    torch.bool: "BOOL",
    torch.complex64: "C64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
    torch.float8_e8m0fnu: "F8_E8M0",
}


def sha1(data):
    return hashlib.sha1(data).hexdigest()


def described(tensor):
    """Both as it is stored and as F32, for tensors that do not lie in order are given as F32."""
    tensor = tensor.detach().contiguous()
    flat = torch.empty(tensor.numel(), dtype=tensor.dtype)
    flat.copy_(tensor.reshape(-1))
    raw = flat.view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    values = b"" if tensor.is_complex() else tensor.to(torch.float32).contiguous().numpy().tobytes()
    return {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "raw": sha1(raw), "f32": sha1(values)}


def case(name, tensors, notes=(), left=()):
    """`left` are names that are told as not read; all others must be there and equal."""
    CASES.append(
        {
            "file": name,
            "tensors": {key: described(value) for key, value in tensors.items() if key not in left},
            "notes": list(notes),
        }
    )


FORMS = [
    ("zip2", {}),
    ("zip4", {"pickle_protocol": 4}),
    ("zip5", {"pickle_protocol": 5}),
    ("old2", {"_use_new_zipfile_serialization": False}),
    ("old3", {"_use_new_zipfile_serialization": False, "pickle_protocol": 3}),
    ("old4", {"_use_new_zipfile_serialization": False, "pickle_protocol": 4}),
]


def save(name, value, tensors=None, notes=(), left=(), ending="pt", forms=FORMS):
    for form, options in forms:
        file = f"{name}-{form}.{ending}"
        torch.save(value, OUT / file, **options)
        loaded = torch.load(OUT / file, weights_only=False)
        case(file, tensors(loaded) if tensors else loaded, notes, left)


def walk(module):
    return dict(module.state_dict())


def a_net():
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Embedding(11, 6), nn.Linear(6, 8), nn.LayerNorm(8), nn.Sequential(nn.Linear(8, 6, bias=False), nn.BatchNorm1d(6))
    )
    net.register_buffer("steps", torch.arange(5))
    net.register_buffer("scratch", torch.ones(3), persistent=False)
    return net


def fixed():
    torch.manual_seed(1)
    base = torch.randn(7, 5, 3)
    save("plain", {"a": torch.randn(3, 4), "b.c": torch.randn(2), "scalar": torch.tensor(2.5)})
    # The old form has no names for the newer types that PyTorch itself could load.
    new = [dtype for dtype in NAMES if "float8" in str(dtype) or dtype in (torch.uint16, torch.uint32, torch.uint64)]
    some = {key: (torch.randn(6, 4) * 3).to(dtype) for dtype, key in NAMES.items() if dtype != torch.complex64}
    save("dtypes", {key: value for key, value in some.items() if value.dtype not in new})
    save("new-dtypes", some, forms=FORMS[:3])
    save("complex", {"z": torch.randn(3, 2, dtype=torch.complex64), "w": torch.randn(2, 2)})
    save("views", {
        "whole": base, "transposed": base.permute(2, 0, 1), "rows": base[2:5], "column": base[:, 2], "steps": base[::2, 1::2],
        "turned": base.transpose(0, 1), "one": base[3, 2, 1], "again": base.view(-1), "wide": base[0].unsqueeze(0),
    })
    turned = {key: (torch.randn(6, 4) * 3).to(dtype).t() for dtype, key in NAMES.items() if dtype.is_floating_point and key != "F8_E8M0"}
    save("turned-types", turned, forms=FORMS[:3])
    save("expanded", {"row": torch.arange(4.0).expand(3, 4), "all": torch.tensor(1.5).expand(2, 3), "ids": torch.arange(8).expand((1, -1))})
    save("large-transposed", {"w": torch.randn(700, 900).t(), "v": torch.randn(900, 700)[:, 3:690:7]})
    save("empty", {"none": torch.empty(0, 4), "x": torch.ones(2), "nothing": torch.empty(3, 0)})
    tied = torch.randn(9, 4)
    save("tied", {"embed": tied, "head": tied, "part": tied[1:3]})
    save("parameters", {"p": nn.Parameter(torch.randn(3, 3)), "q": nn.Parameter(torch.randn(2), requires_grad=False)})
    with_state = nn.Parameter(torch.randn(2, 2))
    with_state.tag = "x"
    save("parameter-state", {"p": with_state})
    save("ordered", collections.OrderedDict([("b", torch.ones(2)), ("a", torch.zeros(3))]))
    net = a_net()
    save("net", net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.randint(0, 11, (4,))).sum().backward()
    optimizer.step()
    save("checkpoint", {"epoch": 3, "model_state_dict": net.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": torch.tensor(0.5)},
         lambda loaded: loaded["model_state_dict"], ["states of training"])
    save("lightning", {
        "epoch": 1, "global_step": 7, "pytorch-lightning_version": "2.4.0", "state_dict": net.state_dict(),
        "loops": {"fit_loop": {"state_dict": {}}}, "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.1), "kth_best_model_path": ""}},
        "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [{"_step_count": 2}], "hparams_name": "kwargs",
        "hyper_parameters": argparse.Namespace(width=4, table=np.arange(3), where=Path("a")),
    }, lambda loaded: loaded["state_dict"], ["states of training"], ending="ckpt")
    save("ema", {"model": net.state_dict(), "ema": {key: value.clone() for key, value in net.state_dict().items()}, "args": argparse.Namespace()},
         lambda loaded: loaded["model"], ["averages of the weights"])
    save("two", {"generator": {"w": torch.ones(2, 2)}, "discriminator": {"w": torch.zeros(2, 2)}},
         lambda loaded: {f"{key}.{name}": value for key, part in loaded.items() for name, value in part.items()})
    save("numpy-beside", {"model": {"w": torch.randn(2, 2)}, "best": np.float64(0.5), "curve": np.arange(4)}, lambda loaded: loaded["model"])
    save("sparse", {"s": torch.eye(3).to_sparse(), "w": torch.ones(2)}, left=["s"], notes=["forms that hold no plain weights"])
    save("doubly", {"z": torch.randn(2, dtype=torch.complex128), "w": torch.ones(2)}, left=["z"], notes=["forms that hold no plain weights"])
    save("negative", {"n": torch.imag(torch.randn(3, dtype=torch.complex64).conj()), "w": torch.ones(2)}, left=["n"], notes=["forms that hold no plain weights"])
    save("list", [torch.ones(2), {"a": torch.zeros(1)}], lambda loaded: {"0": loaded[0], "1.a": loaded[1]["a"]})
    save("alone", torch.randn(3, 2), lambda loaded: {"tensor": loaded})
    save("whole-module", net, walk)
    save("module-in-checkpoint", {"model": net, "epoch": 1}, lambda loaded: walk(loaded["model"]))
    save("odd-integers", {"i": torch.arange(12).view(3, 4).t(), "w": torch.ones(2)}, left=["i"], notes=["whole numbers that do not lie in order"])
    many = {f"layer.{i}.w": torch.randn(2, 3) for i in range(3000)}
    save("many", many)
    script = torch.jit.script(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    script.save(OUT / "script.pt")
    case("script.pt", walk(script), ["TorchScript"])
    traced = torch.jit.trace(a_net().eval(), torch.randint(0, 11, (4,)))
    traced.save(OUT / "traced.pt")
    case("traced.pt", {k: v for k, v in traced.state_dict().items()}, ["TorchScript"])


def numpy_files():
    rng = np.random.default_rng(5)
    arrays = {}
    for code in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]:
        arrays[f"plain.{code}"] = (rng.standard_normal((3, 4)) * 9).astype(code)
    arrays["empty"] = np.zeros((0, 3), "f4")
    arrays["scalar"] = np.array(1.5, "f4")
    np.savez(OUT / "plain.npz", **arrays)
    case("plain.npz", {key: torch.from_numpy(value.copy()) for key, value in arrays.items()})
    odd = {"fortran": np.asfortranarray(rng.standard_normal((4, 5, 2)).astype("f4")), "big": rng.standard_normal((3, 3)).astype(">f4"),
           "both": np.asfortranarray(rng.standard_normal((3, 2)).astype(">f8")), "half": rng.standard_normal((5,)).astype(">f2"), "plain": np.ones((2, 2), "f4")}
    np.savez(OUT / "odd.npz", **odd)
    case("odd.npz", {key: torch.from_numpy(value.astype(value.dtype.newbyteorder("="), order="C")) for key, value in odd.items()})
    np.save(OUT / "one.npy", arrays["plain.f4"])
    case("one.npy", {"one": torch.from_numpy(arrays["plain.f4"])})
    np.savez_compressed(OUT / "packed.npz", **arrays)
    CASES.append({"file": "packed.npz", "code": "ZIP_MEMBER_UNSUPPORTED"})
    np.save(OUT / "objects.npy", np.array([{}, 1], dtype=object))
    CASES.append({"file": "objects.npy", "code": "NPY_UNSUPPORTED"})
    np.save(OUT / "records.npy", np.zeros(3, dtype=[("a", "f4"), ("b", "i4")]))
    CASES.append({"file": "records.npy", "code": "NPY_UNSUPPORTED"})


def refused():
    for form, options in FORMS:
        torch.save({"q": torch.quantize_per_tensor(torch.randn(3), 0.1, 0, torch.qint8)}, OUT / f"quantised-{form}.pt", **options)
        CASES.append({"file": f"quantised-{form}.pt", "code": "PT_TENSOR_UNKNOWN"})
        torch.save({"epoch": 3, "optimizer": {"m": torch.ones(2)}}, OUT / f"states-{form}.pt", **options)
        CASES.append({"file": f"states-{form}.pt", "code": "PT_NO_TENSORS"})


def drawn(count):
    """State dicts of random tensors, laid out at random, some of them sharing what they lie in."""
    draw = random.Random(11)
    dtypes = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
    for i in range(count):
        tensors = {}
        for j in range(draw.randint(1, 6)):
            shape = [draw.randint(1, 9) for _ in range(draw.randint(1, 4))]
            tensor = torch.randn(shape).to(draw.choice(dtypes))
            for _ in range(draw.randint(0, 3)):
                axis = draw.randrange(tensor.dim()) if tensor.dim() else None
                move = draw.choice(["permute", "slice", "step", "select", "expand", "narrow"])
                if axis is None:
                    break
                if move == "permute":
                    axes = list(range(tensor.dim()))
                    draw.shuffle(axes)
                    tensor = tensor.permute(axes)
                elif move == "slice":
                    tensor = tensor.narrow(axis, 0, draw.randint(1, tensor.shape[axis]))
                elif move == "step":
                    at = [slice(None)] * tensor.dim()
                    at[axis] = slice(draw.randrange(tensor.shape[axis]), None, draw.randint(1, 3))
                    tensor = tensor[tuple(at)]
                elif move == "select":
                    tensor = tensor.select(axis, draw.randrange(tensor.shape[axis]))
                elif move == "expand":
                    tensor = tensor.unsqueeze(axis).expand([*tensor.shape[:axis], draw.randint(1, 3), *tensor.shape[axis:]])
                else:
                    first = draw.randrange(tensor.shape[axis])
                    tensor = tensor.narrow(axis, first, tensor.shape[axis] - first)
            tensors[f"t{j}"] = tensor
        save(f"drawn-{i}", tensors, forms=[draw.choice(FORMS)])


fixed()
numpy_files()
refused()
drawn(int(sys.argv[2]))
(OUT / "cases.json").write_text(json.dumps(CASES))
