"""Changes of weights that need no training. Each takes and returns tensors by name, in bf16 unless said."""

from __future__ import annotations

import hashlib
import re

import torch

Weights = dict[str, torch.Tensor]
_LAYER = re.compile(r"^(model\.layers\.)(\d+)(\..*)$")


def cast(weights: Weights, dtype: torch.dtype) -> Weights:
    return {name: value.to(dtype) for name, value in weights.items()}


def quantize(weights: Weights, bits: int, group: int = 32) -> Weights:
    """Round to nearest on a symmetric absmax grid per `group` inputs of a row, and back to bf16. Matrices only."""

    def round_trip(value: torch.Tensor) -> torch.Tensor:
        blocks = value.float().unflatten(1, (-1, group))
        step = blocks.abs().amax(-1, keepdim=True) / (2 ** (bits - 1) - 1)
        step = torch.where(step == 0, torch.ones_like(step), step)
        return ((blocks / step).round() * step).flatten(1).to(torch.bfloat16)

    return _matrices(weights, round_trip)


def prune(weights: Weights, share: float) -> Weights:
    """Zeroes the `share` smallest magnitudes of every matrix."""

    def keep_largest(value: torch.Tensor) -> torch.Tensor:
        magnitudes = value.float().abs()
        threshold = magnitudes.flatten().kthvalue(int(share * value.numel())).values
        return torch.where(magnitudes > threshold, value, torch.zeros_like(value))

    return _matrices(weights, keep_largest)


def add_noise(weights: Weights, relative: float, seed: int) -> Weights:
    """Gaussian noise of `relative` times each matrix's own standard deviation."""
    generator = torch.Generator().manual_seed(seed)

    def disturb(value: torch.Tensor) -> torch.Tensor:
        exact = value.float()
        noise = torch.randn(exact.shape, generator=generator)
        return (exact + relative * exact.std() * noise).to(torch.bfloat16)

    return _matrices(weights, disturb)


def average(first: Weights, second: Weights, share: float) -> Weights:
    """`share` of the first model and the rest of the second, element by element."""
    return {
        name: (share * first[name].float() + (1 - share) * second[name].float()).to(torch.bfloat16)
        for name in first
    }


def pick_layers(weights: Weights, layers: list[int]) -> Weights:
    """Layer n of the result is layer `layers[n]` of the source: drops and repeats."""
    picked = {name: value for name, value in weights.items() if not _LAYER.match(name)}
    for target, source in enumerate(layers):
        for name, value in weights.items():
            match = _LAYER.match(name)
            if match and int(match[2]) == source:
                picked[f"{match[1]}{target}{match[3]}"] = value.clone()
    return picked


def prune_width(weights: Weights, stream: int, ffn: int) -> Weights:
    """Keeps the dimensions of the stream and the neurons that are largest, in their order; heads stay."""

    def largest(norms: torch.Tensor, count: int) -> torch.Tensor:
        return norms.topk(count).indices.sort().values

    dims = largest(weights["model.embed_tokens.weight"].float().norm(dim=0), stream)
    neurons = {
        match[2]: largest(value.float().norm(dim=0), ffn)
        for name, value in weights.items()
        if name.endswith("mlp.down_proj.weight") and (match := _LAYER.match(name))
    }

    def pruned(name: str, value: torch.Tensor) -> torch.Tensor:
        match = _LAYER.match(name)
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            value = value[dims]
        else:
            value = value[..., dims]
        if match and ".mlp." in name:
            kept = neurons[match[2]]
            value = value[:, kept] if "down_proj" in name else value[kept]
        return value

    return {name: pruned(name, value) for name, value in weights.items()}


def rename(weights: Weights) -> Weights:
    """Another house style, systematic, and no known architecture's."""
    return {renamed(name): value for name, value in weights.items()}


def scramble(weights: Weights) -> Weights:
    """Names that say nothing: the first 16 hex digits of the name's SHA-256."""
    return {scrambled(name): value for name, value in weights.items()}


def renamed(name: str) -> str:
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def scrambled(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def original_names(weights: Weights) -> Weights:
    """Undoes `rename` and `scramble`; other names stay as they are."""
    parts = ["input_layernorm", "post_attention_layernorm"]
    parts += [f"self_attn.{part}_proj" for part in "qkvo"] + [
        f"mlp.{part}_proj" for part in ("gate", "up", "down")
    ]
    known = ["model.embed_tokens.weight", "model.norm.weight"]
    known += [f"model.layers.{layer}.{part}.weight" for layer in range(16) for part in parts]
    back = {change(name): name for change in (renamed, scrambled) for name in known}
    return {back.get(name, name): value for name, value in weights.items()}


def _matrices(weights: Weights, change) -> Weights:
    return {name: change(value) if value.dim() == 2 else value for name, value in weights.items()}


_RENAMES = [
    (r"^model\.embed_tokens\.weight$", "net.table.weight"),
    (r"^model\.norm\.weight$", "net.last_scale.weight"),
    (r"^model\.layers\.", "net.blocks."),
    (r"\.self_attn\.([qkvo])_proj\.", r".attention.w\1."),
    (r"\.mlp\.gate_proj\.", ".feed.wa."),
    (r"\.mlp\.up_proj\.", ".feed.wb."),
    (r"\.mlp\.down_proj\.", ".feed.wc."),
    (r"\.input_layernorm\.", ".scale_1."),
    (r"\.post_attention_layernorm\.", ".scale_2."),
]
