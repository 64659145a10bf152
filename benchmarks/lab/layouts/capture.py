"""Reads a model's matrices off its behaviour: unit inputs go in, and what its own code computes from them is written down.

Nothing here knows how a tensor is laid out. Every linear is fed unit vectors; q, k and v are what reaches the attention,
gate is what reaches the activation, up is what the activation multiplies, o and down are the linears that follow.
"""

import torch
import torch.nn.functional as functional
from torch import nn
from transformers.pytorch_utils import Conv1D

ACTIVATIONS = ("act", "act_fn", "activation", "activation_fn", "gelu_impl", "intermediate_act_fn")


class Recorder:
    """What happened during one forward pass, in order."""

    def __init__(self, batch: int, replace: bool):
        self.batch = batch
        # True: every linear sees unit vectors. False: only hooks outside put them in ("fold" mode).
        self.replace = replace
        self.attentions: list[dict[str, torch.Tensor]] = []
        self.networks: list[dict[str, torch.Tensor]] = []
        self.after: str | None = None
        self.read: torch.Tensor | None = None

    def units(self, like: torch.Tensor) -> torch.Tensor:
        """Row 0 is zero (it gives the bias), row 1 + i is the i-th unit vector."""
        size = like.shape[-1]
        assert self.batch > size, (self.batch, size)
        units = torch.zeros(self.batch, size)
        units[1 : 1 + size] = torch.eye(size)
        return units if like.dim() == 2 else units[:, None, :].expand(like.shape).contiguous()

    def linear(self, inputs: torch.Tensor, call) -> torch.Tensor:
        if self.after == "activation" and inputs is self.read:
            # Up reads what gate read; it is called between the activation and down.
            return call(self.units(inputs) if self.replace else inputs)
        after, self.after, self.read = self.after, None, inputs
        if inputs.shape[0] != self.batch or inputs.dim() > 3:
            return call(inputs)
        if after == "activation" and inputs.dim() >= 2:
            multiplied = self.rows(inputs)
            if not torch.equal(multiplied, torch.ones_like(multiplied)):
                self.networks[-1]["up"] = multiplied
            else:
                # Nothing but the activation reaches the second linear: the first one is `up`.
                self.networks[-1]["up"] = self.networks[-1].pop("gate")
        output = call(self.units(inputs) if self.replace else inputs)
        if after == "activation":
            self.networks[-1]["down"] = self.rows(output)
        if after == "attention":
            if not self.replace:
                return torch.zeros_like(output)
            self.attentions[-1]["o"] = self.rows(output)
        return output

    def attention(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> None:
        """Each [batch, heads, positions, size]; rotary embedding leaves position 0 as it is."""
        parts = {"q": query, "k": key, "v": value}
        self.attentions.append({role: self.heads(part) for role, part in parts.items()})
        self.after = "attention"

    def activation(self, inputs: torch.Tensor) -> torch.Tensor:
        self.networks.append({"gate": self.rows(inputs)})
        self.after = "activation"
        return torch.ones_like(inputs)

    def heads(self, part: torch.Tensor) -> torch.Tensor:
        first = part[:, :, 0, :]
        # Some libraries copy a shared key to each of its query heads before the attention.
        first = torch.unique_consecutive(first, dim=1)
        return first.reshape(self.batch, -1)

    def rows(self, tensor: torch.Tensor) -> torch.Tensor:
        return (tensor[:, 0] if tensor.dim() == 3 else tensor).detach().clone()


CURRENT: list[Recorder] = []


class Tap(nn.Module):
    def __init__(self, original):
        super().__init__()
        self.original = original

    def forward(self, inputs):
        return CURRENT[-1].activation(inputs) if CURRENT else self.original(inputs)


def tap_activations(model: nn.Module) -> None:
    for module in list(model.modules()):
        if isinstance(module, Tap):
            continue
        for name in ACTIVATIONS:
            if hasattr(module, name):
                setattr(module, name, Tap(getattr(module, name)))


def drop_head_norms(model: nn.Module) -> None:
    """Norms between a projection and the attention are not linear and no part of a matrix."""
    for name, module in model.named_modules():
        if name.endswith((".q_norm", ".k_norm")):
            module.forward = lambda inputs: inputs


def install() -> None:
    from transformers.modeling_utils import AttentionInterface
    from transformers.models.bloom.modeling_bloom import BloomAttention
    from transformers.models.falcon.modeling_falcon import FalconAttention, FalconLinear
    from transformers.models.mpt.modeling_mpt import MptAttention

    linear, conv1d, falcon_linear = functional.linear, Conv1D.forward, FalconLinear.forward

    def tapped_linear(inputs, weight, bias=None):
        call = lambda x: linear(x, weight, bias)
        return CURRENT[-1].linear(inputs, call) if CURRENT else call(inputs)

    def tapped_conv1d(self, inputs):
        return CURRENT[-1].linear(inputs, lambda x: conv1d(self, x)) if CURRENT else conv1d(self, inputs)

    def tapped_falcon_linear(self, inputs):
        call = lambda x: falcon_linear(self, x)
        return CURRENT[-1].linear(inputs, call) if CURRENT else call(inputs)

    def attention(module, query, key, value, *_, scaling=None, **__):
        # OPT scales queries before the attention instead of scores inside it.
        scaled = module.scaling if scaling == 1.0 else 1.0
        CURRENT[-1].attention(query / scaled, key, value)
        return torch.zeros_like(query).transpose(1, 2).contiguous(), None

    functional.linear = tapped_linear
    Conv1D.forward = tapped_conv1d
    FalconLinear.forward = tapped_falcon_linear
    AttentionInterface.get_interface = lambda self, implementation, default: attention

    reshape = BloomAttention._reshape
    def bloom(self, fused):
        parts = reshape(self, fused)
        CURRENT[-1].attention(*parts)
        return parts
    BloomAttention._reshape = bloom

    split = FalconAttention._split_heads
    def falcon(self, fused):
        parts = split(self, fused)
        CURRENT[-1].attention(*(part.transpose(1, 2) for part in parts))
        return parts
    FalconAttention._split_heads = falcon

    mpt_forward = MptAttention.forward
    def mpt(self, *args, **kwargs):
        matmul, seen = torch.matmul, []
        def tapped(a, b):
            seen.append((a, b))
            if len(seen) == 2:
                (query, key), (_, value) = seen
                CURRENT[-1].attention(query, key.transpose(-1, -2), value)
            return matmul(a, b)
        torch.matmul = tapped
        try:
            return mpt_forward(self, *args, **kwargs)
        finally:
            torch.matmul = matmul
    MptAttention.forward = mpt


def response(rows: torch.Tensor, size: int) -> torch.Tensor:
    """[out, in] from what unit inputs gave, the bias (row 0) taken away."""
    return (rows[1 : 1 + size] - rows[:1]).T.contiguous()
