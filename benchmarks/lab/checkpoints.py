"""Models on disk: as `save_pretrained` writes them, or as bare tensors without any configuration."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedModel

WEIGHTS = "model.safetensors"


def save(model: PreTrainedModel, folder: Path, *, tokenizer: Path | None = None) -> None:
    """Writes config.json and bf16 weights; training stays in f32, so a copy is cast."""
    folder.mkdir(parents=True, exist_ok=True)
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if tokenizer is not None:
        shutil.copyfile(tokenizer, folder / "tokenizer.json")


def load(folder: Path) -> PreTrainedModel:
    """The model in f32, ready to be trained on: the start of a derivative is the published bf16 file."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / WEIGHTS)


def save_tensors(weights: dict[str, torch.Tensor], folder: Path, *, config_of: Path | None = None) -> None:
    """One model.safetensors; with the config.json of `config_of` beside it when that is given."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = {name: weights[name].contiguous() for name in sorted(weights)}
    save_file(ordered, folder / WEIGHTS, metadata={"format": "pt"})
    if config_of is not None:
        shutil.copyfile(config_of / "config.json", folder / "config.json")


def save_shards(weights: dict[str, torch.Tensor], folder: Path, count: int, *, config_of: Path) -> None:
    """`count` shards of about equal numbers of tensors, with the index that names the shard of each."""
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(weights)
    weight_map = {}
    for shard in range(count):
        file = f"model-{shard + 1:05}-of-{count:05}.safetensors"
        part = names[shard * len(names) // count : (shard + 1) * len(names) // count]
        save_file(
            {name: weights[name].contiguous() for name in part}, folder / file, metadata={"format": "pt"}
        )
        weight_map.update(dict.fromkeys(part, file))
    total = sum(value.numel() * value.element_size() for value in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    shutil.copyfile(config_of / "config.json", folder / "config.json")
